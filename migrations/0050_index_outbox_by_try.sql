-- What was never tried, and what was tried the longest ago, is found without a look at the rest.
ALTER TABLE outbox
    ADD KEY outbox_tried_idx (tried_at)
