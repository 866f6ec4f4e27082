//! Tensors on a device: burn, with fast kernels where they pay and plain operations elsewhere.
