//! Fast tensor kernels for the CPU: the same bits for any number of threads and any instruction set.
