//! Wall time of an apply against the floor: a bare loop that sends the same requests at the same concurrency.
//!
//! `cargo bench --bench apply` starts the real UAA, lets both create 200 users with two memberships each in identity
//! zones of their own, in turn, and prints each pair's times and their ratio. Machines are noisy: read the ratio's
//! median, not a single time.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};
use uaapply_lab::{Foundation, Options, UaaVersion, Zone};

const USERS: usize = 200;
const GROUPS: usize = 10;
const CONCURRENCY: usize = 8;
const ROUNDS: usize = 3;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() -> Outcome<()> {
    let foundation = Foundation::start(UaaVersion::V4_30_0, &Options::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The first round warms the server's JIT and is not counted.
    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let floor = runtime.block_on(floor(&foundation, &foundation.new_zone("floor")?))?;
        let ours = ours(&foundation, &foundation.new_zone("ours")?)?;
        let ratio = ours.as_secs_f64() / floor.as_secs_f64();
        println!("round {round}: floor {floor:.2?}, uaapply {ours:.2?}, ratio {ratio:.3}");
        if round > 0 {
            ratios.push(ratio);
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "ratio: min {:.3}, median {:.3}, max {:.3}",
        ratios[0],
        ratios[ratios.len() / 2],
        ratios[ratios.len() - 1]
    );
    Ok(())
}

/// Sends the writes with nothing around them.
async fn floor(foundation: &Foundation, zone: &Zone) -> Outcome<Duration> {
    let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(foundation.ca_file())?)?;
    let http = reqwest::Client::builder().tls_certs_merge(ca).build()?;
    let url = foundation.uaa_url();
    let begun = Instant::now();
    let token: Value = http
        .post(format!("{url}/oauth/token"))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", "admin"),
            ("client_secret", foundation.admin_secret()),
            ("token_format", "opaque"),
        ])
        .send()
        .await?
        .json()
        .await?;
    let token = token["access_token"].as_str().ok_or("no token")?;
    let post = |path: String, body: Value| {
        let request = http
            .post(format!("{url}{path}"))
            .bearer_auth(token)
            .header("X-Identity-Zone-Id", &zone.id)
            .json(&body);
        async move {
            request
                .send()
                .await?
                .error_for_status()?
                .json::<Value>()
                .await
                .map(|made| made["id"].as_str().unwrap_or_default().to_owned())
        }
    };
    let all = |requests: Vec<(String, Value)>| async move {
        futures_util::stream::iter(requests)
            .map(|(path, body)| post(path, body))
            .buffered(CONCURRENCY)
            .collect::<Vec<_>>()
            .await
    };
    let users = (0..USERS).map(|n| {
        let name = format!("user{n:04}@example.com");
        (
            "/Users".to_owned(),
            json!({"userName": name, "origin": "uaa", "password": "initial-1", "emails": [{"value": name}]}),
        )
    });
    let users = all(users.collect()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let groups = (0..GROUPS).map(|n| ("/Groups".to_owned(), json!({"displayName": format!("team.{n}")})));
    let groups = all(groups.collect()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let members = (0..USERS).flat_map(|n| [(n % GROUPS, n), ((n + 1) % GROUPS, n)]);
    let members = members.map(|(group, user)| {
        (
            format!("/Groups/{}/members", groups[group]),
            json!({"value": users[user], "type": "USER", "origin": "uaa"}),
        )
    });
    all(members.collect()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(begun.elapsed())
}

/// Lets the binary come to the same state, everything it does included: start, reads, plan, second look.
fn ours(foundation: &Foundation, zone: &Zone) -> Outcome<Duration> {
    let folder = tempfile::tempdir()?;
    let mut manifest = "version: 1\nusers:\n".to_owned();
    for n in 0..USERS {
        let (a, b) = (n % GROUPS, (n + 1) % GROUPS);
        writeln!(
            manifest,
            "  - {{username: user{n:04}@example.com, password: ((password)), groups: [team.{a}, team.{b}]}}"
        )?;
    }
    manifest.push_str("groups:\n");
    for n in 0..GROUPS {
        writeln!(manifest, "  - {{name: team.{n}}}")?;
    }
    std::fs::write(folder.path().join("people.yml"), manifest)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_uaapply"));
    command
        .args(["apply", "-f", "people.yml", "--yes", "--quiet", "--concurrency", &CONCURRENCY.to_string()])
        .current_dir(folder.path())
        .env("UAA_TARGET", foundation.uaa_url())
        .env("UAA_CA_CERT", foundation.ca_file())
        .env("UAA_CLIENT_SECRET", foundation.admin_secret())
        .env("UAA_ZONE", &zone.id)
        .env("UAAPPLY_VARS_ENV", "BENCH")
        .env("BENCH_password", "initial-1");
    let begun = Instant::now();
    let output = command.output()?;
    let took = begun.elapsed();
    if output.status.success() {
        Ok(took)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}
