//! From a prompt to tokens: weights, windows, embeddings, the CLIP vocabulary.
