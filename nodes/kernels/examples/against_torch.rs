//! The Rust half of a race against torch: reads the name of a case and a number of threads per
//! line, runs the case once, and answers with the milliseconds. `against_torch.py` starts it.
//! With a name and a number of threads as arguments it runs that case ten times by itself.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a program for people")]

use std::io::{BufRead, Write};
use std::time::Instant;

use kiln_kernels::*;

fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Everything a case needs, so that only the operation is timed.
struct Case {
    run: Box<dyn FnMut() + Send>,
}

fn prepare(name: &str) -> Option<Case> {
    let parts: Vec<&str> = name.split_whitespace().collect();
    let numbers: Vec<usize> = parts[1..].iter().filter_map(|p| p.parse().ok()).collect();
    let half = parts.contains(&"f16");
    let weight = move |len: usize| -> (Dtype, Vec<u8>) {
        let w = noise(len, 2);
        if half {
            (Dtype::F16, w.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect())
        } else {
            (Dtype::F32, w.iter().flat_map(|v| v.to_le_bytes()).collect())
        }
    };
    let run: Box<dyn FnMut() + Send> = match (parts[0], &numbers[..]) {
        ("conv", &[n, c_in, c_out, side, k]) => {
            let conv = Conv {
                n,
                c_in,
                h: side,
                w: side,
                c_out,
                kh: k,
                kw: k,
                stride: [1, 1],
                dilation: [1, 1],
                pad: [k / 2; 4],
                groups: 1,
                upsample: None,
            };
            let x = noise(n * c_in * side * side, 1);
            let (dtype, w) = weight(c_out * c_in * k * k);
            let bias = noise(c_out, 3);
            let mut out = vec![0.0; n * c_out * side * side];
            Box::new(move || {
                let then = Then { bias: Some(Stored::f32(&bias)), ..Then::default() };
                conv2d(&conv, &x, Stored { dtype, bytes: &w }, then, &mut out);
            })
        }
        ("linear" | "geglu", &[rows, k, n]) => {
            let gated = parts[0] == "geglu";
            let l = Linear { batch: 1, rows, k, n, ..Linear::default() };
            let x = noise(rows * k, 1);
            let wide = if gated { 2 * n } else { n };
            let (dtype, w) = weight(wide * k);
            let bias = noise(wide, 3);
            let mut out = vec![0.0; rows * n];
            Box::new(move || {
                let (w, bias) = (Stored { dtype, bytes: &w }, Some(Stored::f32(&bias)));
                if gated {
                    linear_geglu(&l, &x, w, bias, &mut out);
                } else {
                    linear(&l, &x, w, Then { bias, ..Then::default() }, &mut out);
                }
            })
        }
        ("attention", &[batch, heads, q_len, kv_len, head_dim]) => {
            let s = heads * head_dim;
            let (q, k, v) =
                (noise(batch * q_len * s, 1), noise(batch * kv_len * s, 2), noise(batch * kv_len * s, 3));
            let mut out = vec![0.0; batch * q_len * s];
            Box::new(move || {
                let a = Attention {
                    batch,
                    heads,
                    q_len,
                    kv_len,
                    head_dim,
                    scale: 1.0 / (head_dim as f32).sqrt(),
                    q_stride: s,
                    k_stride: s,
                    v_stride: s,
                    ..Attention::default()
                };
                attention(&a, &q, &k, &v, &mut out);
            })
        }
        ("groupnorm-silu", &[n, c, side]) => {
            let x = noise(n * c * side * side, 1);
            let (gamma, beta) = (noise(c, 2), noise(c, 3));
            let mut out = vec![0.0; x.len()];
            Box::new(move || {
                let (gamma, beta) = (Stored::f32(&gamma), Stored::f32(&beta));
                group_norm(n, c, side * side, 32, 1e-5, gamma, beta, Act::Silu, &x, &mut out);
            })
        }
        ("layernorm", &[rows, c]) => {
            let x = noise(rows * c, 1);
            let (gamma, beta) = (noise(c, 2), noise(c, 3));
            let mut out = vec![0.0; x.len()];
            Box::new(move || {
                layer_norm(rows, c, 1e-5, Some(Stored::f32(&gamma)), Some(Stored::f32(&beta)), &x, &mut out);
            })
        }
        ("silu" | "gelu", &[len]) => {
            let act = if parts[0] == "silu" { Act::Silu } else { Act::Gelu };
            let mut x = noise(len, 1);
            Box::new(move || activate(act, &mut x))
        }
        ("softmax", &[rows, c]) => {
            let x = noise(rows * c, 1);
            let mut out = vec![0.0; x.len()];
            Box::new(move || softmax_rows(rows, c, &x, &mut out))
        }
        _ => return None,
    };
    Some(Case { run })
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let pool = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started")
    };
    if let [name, threads] = &args[..] {
        let mut case = prepare(name).expect("a known case");
        let pool = pool(threads.parse().expect("a number of threads"));
        let mut best = f64::MAX;
        for _ in 0..10 {
            let start = Instant::now();
            pool.install(|| (case.run)());
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!("{name} on {threads}: {:.2} ms", best * 1e3);
        return;
    }
    let pools = [pool(1), pool(2)];
    let mut now: Option<(String, Case)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("text");
        let Some((threads, name)) = line.split_once(' ') else { break };
        if now.as_ref().is_none_or(|(old, _)| old != name) {
            drop(now.take());
            now = Some((name.to_owned(), prepare(name).expect("a known case")));
        }
        if let Some((_, case)) = &mut now {
            let start = Instant::now();
            pools[usize::from(threads == "2")].install(|| (case.run)());
            println!("{}", start.elapsed().as_secs_f64() * 1e3);
            std::io::stdout().flush().expect("the other side listens");
        }
    }
}
