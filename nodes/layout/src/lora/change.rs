//! One change to one weight of the model.

use std::sync::Arc;

use kiln_tensor::Patch;

use super::form::Form;
use super::maths::turned;

/// A form at a strength, at its place in the weight.
pub(super) struct Change {
    form: Arc<Form>,
    strength: f64,
    /// The weight holds three below each other, and this is the one.
    third: Option<usize>,
    /// The weight lies turned.
    turned: bool,
}

impl Change {
    pub(super) fn new(form: Arc<Form>, strength: f32, third: Option<usize>, turned: bool) -> Self {
        Self { form, strength: f64::from(strength), third, turned }
    }
}

impl Patch for Change {
    fn apply(&self, shape: &[usize], values: &mut [f32]) {
        let mut shape = shape.to_vec();
        let values = match (self.third, shape.first_mut()) {
            (Some(third), Some(rows)) => {
                *rows /= 3;
                let len: usize = shape.iter().product();
                match values.get_mut(third * len..(third + 1) * len) {
                    Some(part) => part,
                    None => return,
                }
            }
            _ => values,
        };
        match *shape {
            [rows, columns] if self.turned => {
                let mut theirs = turned(values, rows, columns);
                self.form.apply(&[columns, rows], &mut theirs, self.strength);
                values.copy_from_slice(&turned(&theirs, columns, rows));
            }
            _ => self.form.apply(&shape, values, self.strength),
        }
    }
}
