//! The review's page in a real browser: Chromium without a window, driven by chromedriver (WebDriver).

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::access::server;
use crate::story::Story;

/// A name that tries to be markup, a script and a formula, with letters that run the other way.
const HOSTILE: &str =
    "</bdi><script>window.pwned=1</script><img src=x onerror=window.pwned=2>\u{202e}\u{5d0}\u{5d1}";

/// A browser; ends with its driver.
struct Browser {
    driver: Child,
    runtime: Runtime,
    session: String,
}

impl Browser {
    fn open(page: &std::path::Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts: apt-get install chromium-driver");
        let runtime = Runtime::new().expect("a runtime");
        let mut browser = Self { driver, runtime, session: format!("http://127.0.0.1:{port}") };
        for _ in 0..100 {
            if browser.try_call("GET", "/status", &Value::Null).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000"];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": {"args": args}}}});
        let session = browser.call("POST", "/session", &wanted);
        browser.session += &format!("/session/{}", session["sessionId"].as_str().expect("an id"));
        browser.call("POST", "/url", &json!({"url": format!("file://{}", page.display())}));
        browser
    }

    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        let url = format!("{}{path}", self.session);
        self.runtime.block_on(async {
            let client = reqwest::Client::new();
            let request = if method == "GET" { client.get(url) } else { client.post(url).json(body) };
            let answer: Value = request.send().await?.json().await?;
            Ok(answer["value"].clone())
        })
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.try_call(method, path, body).expect("the driver answers");
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value
    }

    fn script(&self, code: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({"script": code, "args": []}))
    }

    /// Who is shown, in order.
    fn people(&self) -> Vec<String> {
        let shown = self.script(
            "return [...document.querySelectorAll('#people tbody tr:not([hidden]) th')].map(cell => cell.innerText.split('\\n')[0])",
        );
        shown.as_array().into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let session = self.session.clone();
        self.runtime.block_on(async {
            // It may be gone already.
            let _ = reqwest::Client::new().delete(session).send().await;
        });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
#[ignore = "needs Debian's chromium and chromium-driver; CONTRIBUTING.md says how to run it"]
fn a_page_is_sorted_filtered_printed_and_nothing_in_it_runs_but_its_own_script() {
    let uaa = server();
    let hostile = uaa.user(HOSTILE);
    uaa.state().groups[1]["members"] = json!([{"value": hostile, "type": "USER", "origin": "uaa"}]);
    let story = Story::new().server(uaa);
    let page = story.run(&["access", "--format", "html"]).exits(0).stdout;
    let story = story.file("access.html", &page);
    let browser = Browser::open(&story.path("access.html"));

    let all = browser.people();
    assert_eq!(all.len(), 6, "{all:?}");
    let bob = "user uaa/bob".to_owned();
    assert!(
        all.contains(&bob) && all.iter().any(|name| name.contains("<script>window.pwned=1<%2Fscript>")),
        "{all:?}"
    );
    assert_eq!(browser.script("return [window.pwned ?? null, document.images.length, document.links.length, document.scripts.length]"), json!([null, 0, 0, 1]));
    assert_eq!(browser.call("POST", "/se/log", &json!({"type": "browser"})), json!([]));

    let click = |column: usize| {
        browser.script(&format!("document.querySelectorAll('#people thead button')[{column}].click()"))
    };
    let sorted = |column: usize| {
        browser.script(&format!("return document.querySelectorAll('#people thead th')[{column}].ariaSort"))
    };
    click(0);
    let up = browser.people();
    click(0);
    let mut down = browser.people();
    assert_eq!((sorted(0), sorted(1)), (json!("descending"), json!(null)));
    down.reverse();
    assert_eq!(up, down);
    assert_eq!(up.iter().collect::<std::collections::BTreeSet<_>>(), all.iter().collect());
    click(1);
    assert_eq!(
        (browser.people().last().cloned(), sorted(1)),
        (Some("client ci".to_owned()), json!("ascending"))
    );

    let field = browser.call("POST", "/element", &json!({"using": "css selector", "value": "input"}));
    let field =
        field.as_object().and_then(|field| field.values().next()?.as_str()).expect("an element").to_owned();
    browser.call("POST", &format!("/element/{field}/value"), &json!({"text": "TEAM inactive"}));
    assert_eq!(browser.people(), [bob]);
    assert_eq!(browser.script("return document.querySelector('[role=status]').textContent"), "1 of 6 shown");

    let pdf = browser.call("POST", "/print", &json!({}));
    // `%PDF`, in base64.
    assert!(pdf.as_str().is_some_and(|pdf| pdf.starts_with("JVBERi") && pdf.len() > 5_000));
    let phone = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true}});
    browser.call("POST", "/goog/cdp/execute", &phone);
    assert_eq!(browser.script("return document.documentElement.scrollWidth"), 390);
}
