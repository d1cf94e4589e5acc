//! Which database UAA keeps its data in: HSQLDB in memory, a server of the lab's own, or one at an address.
//! Decides how an address is read and what UAA is told; never starts or asks a database.

use std::env;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use crate::LabError;

/// The variable that names the database where `--database` does not; the only place for an address with a password.
pub(crate) const VARIABLE: &str = "UAAPPLY_LAB_DATABASE";

/// Where UAA keeps its data.
#[derive(Debug, Clone, Default)]
pub enum Database {
    /// In memory: what UAA does by itself.
    #[default]
    Hsqldb,
    /// A server of the lab's own, which ends with it.
    Own(Product),
    /// Somebody's database, used as it is.
    At(Address),
}

/// A database server that UAA works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// PostgreSQL.
    Postgresql,
    /// MySQL, or MariaDB.
    Mysql,
}

/// A database and who logs in to it.
#[derive(Debug, Clone)]
pub struct Address {
    pub(crate) product: Product,
    /// `host:port/database`.
    pub(crate) place: String,
    /// What follows `?`, for UAA's driver; empty when there is nothing.
    pub(crate) settings: String,
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// Where an address was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Argument,
    Variable,
}

impl Database {
    /// What `--database` says, else the environment, else HSQLDB.
    ///
    /// # Errors
    /// When it is neither a database that the lab knows nor an address of one; the error does not repeat it.
    pub fn chosen(argument: Option<&str>) -> Result<Self, LabError> {
        if let Some(argument) = argument {
            return Self::read(argument, Written::Argument);
        }
        match env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => Self::read(&text, Written::Variable),
            Ok(_) | Err(env::VarError::NotPresent) => Ok(Self::Hsqldb),
            Err(env::VarError::NotUnicode(_)) => {
                Err(LabError::Unexpected(format!("{VARIABLE} is not UTF-8")))
            }
        }
    }

    fn read(text: &str, written: Written) -> Result<Self, LabError> {
        match text {
            "hsqldb" => return Ok(Self::Hsqldb),
            "postgresql" => return Ok(Self::Own(Product::Postgresql)),
            "mysql" => return Ok(Self::Own(Product::Mysql)),
            _ => {}
        }
        let by = match written {
            Written::Argument => "--database",
            Written::Variable => VARIABLE,
        };
        // Without the text: it may hold a password.
        let address = Address::read(text).map_err(|wrong| {
            LabError::Unexpected(format!(
                "{by}: {wrong}\nhint: it is hsqldb, postgresql, mysql, or an address such as \
                 postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            ))
        })?;
        if written == Written::Argument && address.has_password() {
            return Err(LabError::Unexpected(format!(
                "--database: everybody on this machine can read a password on the command line\n\
                 hint: set {VARIABLE} to the address instead"
            )));
        }
        Ok(Self::At(address))
    }
}

impl fmt::Display for Database {
    /// Never shows a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hsqldb => f.write_str("hsqldb"),
            Self::Own(product) => f.write_str(product.name()),
            Self::At(address) => write!(f, "{} at {}", address.product.name(), address.place),
        }
    }
}

impl Product {
    /// The name of UAA's Spring profile, and of the scheme in an address.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Self::Postgresql => 5432,
            Self::Mysql => 3306,
        }
    }
}

impl Address {
    /// Reads `SCHEME://USER:PASSWORD@HOST:PORT/DATABASE?SETTINGS`, also as JDBC writes it: `jdbc:` in front, and user and
    /// password among the settings. Says what is wrong without repeating what it read.
    fn read(text: &str) -> Result<Self, &'static str> {
        let url = text.strip_prefix("jdbc:").unwrap_or(text);
        let url = Url::parse(url).map_err(|_| "that is neither a database nor an address of one")?;
        let product = match url.scheme() {
            "postgresql" | "postgres" => Product::Postgresql,
            "mysql" | "mariadb" => Product::Mysql,
            _ => return Err("the address begins with neither postgresql:// nor mysql://"),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the address has no host")?;
        let database = url.path().trim_start_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err("the address must end with one database's name");
        }
        let place = format!("{host}:{}/{database}", url.port().unwrap_or(product.usual_port()));
        let decoded = |text| {
            let text = percent_encoding::percent_decode_str(text).decode_utf8();
            text.map(String::from).map_err(|_| "user or password is not UTF-8")
        };
        let mut user = decoded(url.username())?;
        let mut password = decoded(url.password().unwrap_or_default())?;
        let mut settings = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url.query_pairs() {
            match &*name {
                "user" => user = value.into_owned(),
                "password" => password = value.into_owned(),
                _ => {
                    settings.append_pair(&name, &value);
                }
            }
        }
        if user.is_empty() {
            return Err("the address names no user");
        }
        Ok(Self { product, place, settings: settings.finish(), user, password: password.into() })
    }

    fn has_password(&self) -> bool {
        !self.password.expose_secret().is_empty()
    }

    /// The section of uaa.yml. The profile brings the driver.
    pub(crate) fn uaa_yml(&self) -> String {
        let mut url = format!("jdbc:{}://{}", self.product.name(), self.place);
        if !self.settings.is_empty() {
            url.push('?');
            url.push_str(&self.settings);
        }
        // A JSON string is a YAML string.
        let [url, user, password] = [&url, &self.user, self.password.expose_secret()].map(Value::from);
        format!("database:\n  url: {url}\n  username: {user}\n  password: {password}\n")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{Database, Written};

    fn at(text: &str) -> super::Address {
        match Database::read(text, Written::Variable) {
            Ok(Database::At(address)) => address,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_is_a_server_of_the_labs_own() {
        for name in ["hsqldb", "postgresql", "mysql"] {
            let database = Database::read(name, Written::Argument).expect("known");
            assert_eq!(database.to_string(), name);
            assert!(!matches!(database, Database::At(_)));
        }
    }

    #[test]
    fn an_address_becomes_uaas_settings_and_is_shown_without_its_password() {
        for (text, shown, told) in [
            (
                "postgresql://uaa:s%40c:ret@db.example.com/lab",
                "postgresql at db.example.com:5432/lab",
                "database:\n  url: \"jdbc:postgresql://db.example.com:5432/lab\"\n  username: \"uaa\"\n  password: \"s@c:ret\"\n",
            ),
            (
                "jdbc:mysql://127.0.0.1:3307/lab?user=u&useSSL=false&password=s%22cret",
                "mysql at 127.0.0.1:3307/lab",
                "database:\n  url: \"jdbc:mysql://127.0.0.1:3307/lab?useSSL=false\"\n  username: \"u\"\n  password: \"s\\\"cret\"\n",
            ),
            (
                "mariadb://u@[::1]/lab",
                "mysql at [::1]:3306/lab",
                "database:\n  url: \"jdbc:mysql://[::1]:3306/lab\"\n  username: \"u\"\n  password: \"\"\n",
            ),
        ] {
            let address = at(text);
            assert_eq!(address.uaa_yml(), told);
            let secret = address.password.expose_secret().to_owned();
            let database = Database::At(address);
            assert_eq!(database.to_string(), shown);
            assert!(secret.is_empty() || !format!("{database:?}").contains(&secret), "{database:?}");
        }
    }

    #[test]
    fn what_is_no_database_is_refused_without_being_repeated() {
        for (text, wrong) in [
            ("oracle", "neither a database nor an address"),
            ("oracle://u:canary@h/d", "neither postgresql:// nor mysql://"),
            ("postgresql://u:canary@h", "one database's name"),
            ("postgresql://u:canary@h/a/b", "one database's name"),
            ("postgresql:///d?user=u&password=canary", "no host"),
            ("postgresql://:canary@h/d", "no user"),
            ("mysql://u:canary@h:port/d", "neither a database nor an address"),
            ("mysql://%FF:canary@h/d", "not UTF-8"),
        ] {
            let error = Database::read(text, Written::Variable).expect_err(text).to_string();
            assert!(error.starts_with("UAAPPLY_LAB_DATABASE: "), "{error}");
            assert!(error.contains(wrong), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_password_on_the_command_line_is_refused() {
        for text in ["postgresql://u:canary@h/d", "jdbc:mysql://h/d?user=u&password=canary"] {
            let error = Database::read(text, Written::Argument).expect_err(text).to_string();
            assert!(error.contains("set UAAPPLY_LAB_DATABASE to the address instead"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        assert!(Database::read("postgresql://u@h/d", Written::Argument).is_ok());
    }
}
