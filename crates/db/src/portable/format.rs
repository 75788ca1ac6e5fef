//! The bytes of a backup: the same for the same rows, whatever engine they come from.
//!
//! ```text
//! magic, version u16                          numbers are little endian
//! taken_at i64, migrations u32 × (number i64, name, hash)
//! tables × ('T', name, columns u32 × name, rows × ('R', values), 'E', rows u64)
//! 'Z', SHA-256 of everything before it
//! value: 0 | 1 i64 | 2 text | 3 bytes         text, bytes, name: length u32, then so many
//! ```
//! Tables and columns come by name, rows by primary key. BOOLEAN is written as 0 or 1, as SQLite keeps it.

use std::io::{Read, Write};

use sha2::{Digest, Sha256};

use super::PortableError;
use crate::Value;

const MAGIC: &[u8; 14] = b"kabinet-backup";
/// The version this program writes and the only one it reads.
const VERSION: u16 = 1;
/// Longest text or bytes taken from a file, in bytes: what PostgreSQL can hold in one field.
const FIELD_MAX: u32 = 1 << 30;
/// Most migrations, tables or columns taken from a file.
const COUNT_MAX: u32 = 1 << 16;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// When it was taken, microseconds UTC.
    pub(super) taken_at: i64,
    /// The schema: number, name and hash of every migration applied.
    pub(super) migrations: Vec<(i64, String, [u8; 32])>,
}

/// One table's name and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) table: String,
    pub(super) columns: Vec<String>,
}

/// What comes next in a file.
pub(super) enum Piece {
    /// A table begins.
    Table(Shape),
    /// A row of it.
    Row(Vec<Value>),
    /// It is over.
    TableEnd,
    /// Everything is over, and the checksum is right.
    End,
}

/// Writes a backup.
pub(super) struct Out<W> {
    to: W,
    sum: Sha256,
    rows: u64,
}

impl<W: Write> Out<W> {
    pub(super) fn begin(to: W, header: &Header) -> Result<Self, PortableError> {
        let mut out = Self {
            to,
            sum: Sha256::new(),
            rows: 0,
        };
        out.put(MAGIC)?;
        out.put(&VERSION.to_le_bytes())?;
        out.put(&header.taken_at.to_le_bytes())?;
        out.count(header.migrations.len())?;
        for (number, name, hash) in &header.migrations {
            out.put(&number.to_le_bytes())?;
            out.field(name.as_bytes())?;
            out.put(hash)?;
        }
        Ok(out)
    }

    pub(super) fn table(&mut self, shape: &Shape) -> Result<(), PortableError> {
        self.rows = 0;
        self.put(b"T")?;
        self.field(shape.table.as_bytes())?;
        self.count(shape.columns.len())?;
        shape
            .columns
            .iter()
            .try_for_each(|column| self.field(column.as_bytes()))
    }

    pub(super) fn row(&mut self, values: &[Value]) -> Result<(), PortableError> {
        self.rows = self.rows.saturating_add(1);
        self.put(b"R")?;
        for value in values {
            match value {
                Value::Null => self.put(&[0])?,
                Value::Int(x) => self.int(*x)?,
                Value::Bool(x) => self.int(i64::from(*x))?,
                Value::Text(x) => {
                    self.put(&[2])?;
                    self.field(x.as_bytes())?;
                }
                Value::Bytes(x) => {
                    self.put(&[3])?;
                    self.field(x)?;
                }
            }
        }
        Ok(())
    }

    /// Ends a table; answers how many rows it had.
    pub(super) fn table_end(&mut self) -> Result<u64, PortableError> {
        self.put(b"E")?;
        self.put(&self.rows.to_le_bytes())?;
        Ok(self.rows)
    }

    pub(super) fn end(mut self) -> Result<W, PortableError> {
        self.put(b"Z")?;
        let sum = self.sum.finalize();
        self.to.write_all(&sum)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), PortableError> {
        self.sum.update(bytes);
        Ok(self.to.write_all(bytes)?)
    }

    fn int(&mut self, x: i64) -> Result<(), PortableError> {
        self.put(&[1])?;
        self.put(&x.to_le_bytes())
    }

    fn count(&mut self, count: usize) -> Result<(), PortableError> {
        let count = u32::try_from(count).map_err(|_| PortableError::TooLong)?;
        self.put(&count.to_le_bytes())
    }

    fn field(&mut self, bytes: &[u8]) -> Result<(), PortableError> {
        let length = u32::try_from(bytes.len()).map_err(|_| PortableError::TooLong)?;
        if length > FIELD_MAX {
            return Err(PortableError::TooLong);
        }
        self.put(&length.to_le_bytes())?;
        self.put(bytes)
    }
}

/// Reads a backup.
pub(super) struct In<R> {
    from: R,
    sum: Sha256,
    columns: usize,
    rows: u64,
}

impl<R: Read> In<R> {
    pub(super) fn begin(from: R) -> Result<(Self, Header), PortableError> {
        let mut file = Self {
            from,
            sum: Sha256::new(),
            columns: 0,
            rows: 0,
        };
        if file.take::<14>().ok().as_ref() != Some(MAGIC) {
            return Err(PortableError::NotABackup);
        }
        let version = u16::from_le_bytes(file.take()?);
        if version != VERSION {
            return Err(PortableError::Version(version));
        }
        let taken_at = i64::from_le_bytes(file.take()?);
        let count = file.count()?;
        let mut migrations = Vec::new();
        for _ in 0..count {
            let number = i64::from_le_bytes(file.take()?);
            migrations.push((number, file.text()?, file.take()?));
        }
        Ok((
            file,
            Header {
                taken_at,
                migrations,
            },
        ))
    }

    pub(super) fn next(&mut self) -> Result<Piece, PortableError> {
        match &self.take::<1>()? {
            b"T" => {
                let table = self.text()?;
                let count = self.count()?;
                let columns = (0..count)
                    .map(|_| self.text())
                    .collect::<Result<Vec<_>, _>>()?;
                (self.columns, self.rows) = (columns.len(), 0);
                Ok(Piece::Table(Shape { table, columns }))
            }
            b"R" => {
                self.rows = self.rows.saturating_add(1);
                let values = (0..self.columns).map(|_| self.value());
                Ok(Piece::Row(values.collect::<Result<_, _>>()?))
            }
            b"E" if u64::from_le_bytes(self.take()?) == self.rows => Ok(Piece::TableEnd),
            b"Z" => {
                let sum: [u8; 32] = self.sum.finalize_reset().into();
                let kept: [u8; 32] = self.take()?;
                let mut more = [0];
                if sum == kept && self.from.read(&mut more)? == 0 {
                    Ok(Piece::End)
                } else {
                    Err(PortableError::Damaged)
                }
            }
            _ => Err(PortableError::Damaged),
        }
    }

    /// Reads on to the end, only to see that everything is as it was written.
    pub(super) fn verify(mut self) -> Result<(), PortableError> {
        while !matches!(self.next()?, Piece::End) {}
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], PortableError> {
        let mut bytes = [0; N];
        self.from
            .read_exact(&mut bytes)
            .map_err(PortableError::read)?;
        self.sum.update(bytes);
        Ok(bytes)
    }

    fn count(&mut self) -> Result<u32, PortableError> {
        let count = u32::from_le_bytes(self.take()?);
        if count <= COUNT_MAX {
            Ok(count)
        } else {
            Err(PortableError::Damaged)
        }
    }

    fn field(&mut self) -> Result<Vec<u8>, PortableError> {
        let length = u32::from_le_bytes(self.take()?);
        if length > FIELD_MAX {
            return Err(PortableError::Damaged);
        }
        // Memory is taken as bytes arrive, not as a damaged length promises.
        let mut bytes = Vec::new();
        let read = self
            .from
            .by_ref()
            .take(u64::from(length))
            .read_to_end(&mut bytes)?;
        if u64::try_from(read).ok() != Some(u64::from(length)) {
            return Err(PortableError::Damaged);
        }
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, PortableError> {
        String::from_utf8(self.field()?).map_err(|_| PortableError::Damaged)
    }

    fn value(&mut self) -> Result<Value, PortableError> {
        Ok(match self.take::<1>()? {
            [0] => Value::Null,
            [1] => Value::Int(i64::from_le_bytes(self.take()?)),
            [2] => Value::Text(self.text()?),
            [3] => Value::Bytes(self.field()?),
            _ => return Err(PortableError::Damaged),
        })
    }
}
