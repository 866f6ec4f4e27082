//! What can be wrong with a prompt, in words for the person who wrote it.

/// Why a prompt gives no windows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// The text needs more windows than a model is asked to read.
    #[error(
        "the prompt is too long: it needs {windows} windows of {slots} tokens, and at most {most} are read; shorten it"
    )]
    TooManyWindows {
        /// How many windows the whole text needs.
        windows: usize,
        /// Tokens of the text that go into one window.
        slots: usize,
        /// The most windows allowed.
        most: usize,
    },
    /// An embedding has more vectors than one window has room for.
    #[error(
        "the embedding \"{name}\" has {rows} vectors, and a window has room for {most}; use an embedding of fewer vectors"
    )]
    EmbeddingTooLong {
        /// The embedding's name.
        name: String,
        /// How many vectors it has.
        rows: usize,
        /// How many fit into a window.
        most: usize,
    },
    /// An embedding's values are not rows times width.
    #[error("the embedding \"{name}\" is damaged: {rows} vectors of {dim} numbers need {} numbers, and it has {values}; load the file again", rows.saturating_mul(*dim))]
    EmbeddingDamaged {
        /// The embedding's name.
        name: String,
        /// How many vectors it says it has.
        rows: usize,
        /// How wide it says they are.
        dim: usize,
        /// How many numbers there are.
        values: usize,
    },
    /// The tokenizer's window has no room between start and end.
    #[error("a window of {length} tokens has no room for text: it needs at least 3")]
    WindowTooShort {
        /// The window's length.
        length: usize,
    },
}
