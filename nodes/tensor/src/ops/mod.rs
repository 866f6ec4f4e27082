//! The operations networks are made of. Each has a fast body for processor tensors and a plain one of burn's
//! operations for every other device; `plain` bodies are public for the tests that hold both to the same numbers.

mod activate;
mod attention;
mod bilinear;
mod conv;
mod instance;
mod join;
mod linear;
mod maps;
mod norm;
mod pool;
mod shape;
mod shuffle;

pub use activate::{act, act_plain, add, geglu_plain, scale_add};
pub use attention::{Attend, attention, attention_in_blocks, attention_plain};
pub use bilinear::{resize_bilinear, resize_bilinear_plain};
pub use conv::{ConvSpec, ConvThen, conv2d, conv2d_plain};
pub use instance::{instance_norm, instance_norm_plain};
pub use join::join_channels;
pub use linear::{LinearThen, linear, linear_columns, linear_geglu, linear_plain, linear_to_columns};
pub use maps::{MapConv, MapThen, Maps, Slope, Spare};
pub use norm::{group_norm, group_norm_plain, layer_norm, layer_norm_plain};
pub use pool::{average, average_plain, max_pool2, max_pool2_plain};
pub use shape::{avg_pool2, from_columns, to_columns, upsample_nearest, upsample_nearest_plain};
pub use shuffle::{pixel_shuffle, pixel_shuffle_plain};
