//! Opening a database: ours, of a schema we know, ready for many processes.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::schema::Schema;

/// How long one waits for another process' transaction. None of ours takes a tenth of a second, except
/// opening a batch of millions.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// Opens a database for writing; makes it, or brings it up to date.
pub(crate) fn open(path: &Path, schema: Schema) -> Result<Connection, StoreError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| StoreError::io(parent, "make the folder", e))?;
    }
    let fail = |e| StoreError::sql(path, "open", e);
    let mut connection = Connection::open(path).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Looked at before anything is written: a file that is not ours stays as it is.
    check(&connection, path, schema)?;
    wal(&connection).map_err(fail)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    migrate(&mut connection, path, schema)?;
    Ok(connection)
}

/// Opens a database for reading only, even where the folder cannot be written.
pub(crate) fn open_read_only(path: &Path, schema: Schema) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let fail = |e| StoreError::sql(path, "open", e);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    if check(&connection, path, schema).is_ok() {
        return Ok(connection);
    }
    // A database in WAL mode wants a file beside it even to be read. Where none can be made, nobody
    // writes either, so the file may be read as one that does not change.
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(byte.into()),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let frozen = Connection::open_with_flags(uri, flags).map_err(fail)?;
    // Its complaint is the one to show: the first may only have been about the missing file beside it.
    check(&frozen, path, schema)?;
    Ok(frozen)
}

/// Several processes may open a new database at once; switching to WAL then fails at once instead of waiting.
fn wal(connection: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + BUSY;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(e) if is_busy(&e) && Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// The schema version of the database: 0 for a new one. An error if it is not ours or too new.
fn check(connection: &Connection, path: &Path, schema: Schema) -> Result<u32, StoreError> {
    let fail = |e| StoreError::sql(path, "read its version", e);
    // One state throughout: another process may be making the tables this very moment.
    let tx = if connection.is_autocommit() { Some(connection.unchecked_transaction()) } else { None };
    let tx = tx.transpose().map_err(fail)?;
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    let app: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fail)?;
    if app == 0 && tables == 0 {
        return Ok(0);
    }
    if app != schema.app {
        return Err(StoreError::NotADatabase {
            path: path.to_owned(),
            why: "it is a database of another program, or of another part of Kiln".to_owned(),
        });
    }
    let found: u32 = connection
        .query_row("SELECT max(version) FROM migration", [], |row| row.get::<_, Option<u32>>(0))
        .map_err(fail)?
        .unwrap_or(0);
    // Ended where it is; it changed nothing.
    drop(tx);
    let known = u32::try_from(schema.migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found)
}

fn migrate(connection: &mut Connection, path: &Path, schema: Schema) -> Result<(), StoreError> {
    let fail = |e| StoreError::sql(path, "bring it up to date", e);
    if check(connection, path, schema)? as usize == schema.migrations.len() {
        return Ok(());
    }
    // Looked at again inside the transaction: another process may have been faster.
    let tx = immediate(connection).map_err(fail)?;
    let found = check(&tx, path, schema)?;
    if found == 0 {
        tx.pragma_update(None, "application_id", schema.app).map_err(fail)?;
        tx.execute_batch("CREATE TABLE migration (version INTEGER PRIMARY KEY) STRICT").map_err(fail)?;
    }
    for (version, sql) in (1_u32..).zip(schema.migrations).skip(found as usize) {
        tx.execute_batch(sql).map_err(fail)?;
        tx.execute("INSERT INTO migration (version) VALUES (?1)", [version]).map_err(fail)?;
    }
    tx.commit().map_err(fail)
}

/// A transaction that takes the write lock at once: one that reads first and writes later can fail in
/// between without ever waiting.
pub(crate) fn immediate(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}
