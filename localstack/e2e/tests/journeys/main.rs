//! What people do with the product, and what others try with it.

mod blocks;
mod bodies;
mod broken_sends;
mod first_message;
mod friends;
mod gone_sockets;
mod limits;
mod line;
mod logs;
mod once_only;
mod reading;
mod rights;
mod scene;
mod sessions;
mod shapes;
mod shapes_of_people;
mod shapes_of_rooms;
mod socket_manners;
mod stores_away;
mod strangers;
mod text;
mod tickets;
mod together;
mod tokens;
mod under_way;
