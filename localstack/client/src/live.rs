use crate::{
    Person, Socket,
    person::with_ticket,
    rules::{Device, Order},
};
use anyhow::Result;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

/// Between two looks at what arrived and what is due.
const TICK: Duration = Duration::from_millis(20);

/// A device of a person with its connection: it keeps to the rules of a client by itself.
#[derive(Debug)]
pub struct Live {
    person: Person,
    device: Device,
    socket: Option<Socket>,
    begun: Instant,
    frames: Vec<Value>,
    orders: Vec<Order>,
}

impl Live {
    /// A device that connects at its first step; `seed` decides its jitter.
    pub fn new(person: Person, seed: u64) -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut device = Device::new(person.id, epoch, seed);
        device.connect(Duration::ZERO);
        Self { person, device, socket: None, begun: Instant::now(), frames: Vec::new(), orders: Vec::new() }
    }

    /// The device, to act on, and its time.
    pub fn device(&mut self) -> (&mut Device, Duration) {
        (&mut self.device, self.begun.elapsed())
    }

    /// Every frame that arrived.
    pub fn frames(&self) -> &[Value] {
        &self.frames
    }

    /// Everything that the rules made it do.
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// Loses the connection.
    pub fn drop_connection(&mut self) {
        self.socket = None;
        self.device.lost(self.begun.elapsed());
    }

    /// Keeps to the rules for a while.
    pub async fn run(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.step().await?;
            sleep(TICK).await;
        }
        Ok(())
    }

    /// Takes what arrived, and does what is due.
    pub async fn step(&mut self) -> Result<()> {
        let now = self.begun.elapsed();
        if let Some(socket) = &self.socket {
            for frame in socket.drain() {
                self.device.frame(&frame, now);
                self.frames.push(frame);
            }
            if !socket.is_open() {
                self.drop_connection();
            }
        }
        for order in self.device.due(now) {
            self.orders.push(order.clone());
            self.carry_out(order).await?;
        }
        Ok(())
    }

    async fn carry_out(&mut self, order: Order) -> Result<()> {
        match (order, &self.socket) {
            (Order::Connect, _) => {
                let (url, ticket) = self.person.ticket().await?;
                let socket = Socket::connect(&with_ticket(&url, &ticket)).await?;
                socket.send("hello", &self.device.opened())?;
                self.socket = Some(socket);
            }
            (Order::Send { action, d, asks }, Some(socket)) => {
                if asks {
                    socket.send(action, &d)?;
                } else {
                    socket.tell(action, &d)?;
                }
            }
            (Order::Sync { room, after_rev }, Some(socket)) => {
                let page = socket.ask("sync", json!({ "room": room, "after_rev": after_rev, "limit": 100 })).await?;
                let (cursor, head) = (page["d"]["cursor"].as_u64(), page["d"]["head"].as_u64());
                self.device.synced(&room, cursor.unwrap_or(after_rev), head.unwrap_or_default());
            }
            // What would be loaded is not kept.
            (Order::Send { .. } | Order::Sync { .. } | Order::LoadReceipts { .. } | Order::LoadPerson, _) => {}
        }
        Ok(())
    }
}
