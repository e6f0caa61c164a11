//! The first milliseconds: settings and secrets, telemetry, clock, id source.
