//! The tiny autoencoder, for previews.
