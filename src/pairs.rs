//! Maps whose keys are no texts, as JSON: lists of pairs.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes a map.
///
/// # Errors
/// Those of the format.
pub(crate) fn serialize<S, K, V>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    K: Serialize,
    V: Serialize,
{
    serializer.collect_seq(map)
}

/// Reads one.
///
/// # Errors
/// What is no list of pairs.
pub(crate) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
}

/// A map that need not be there.
pub(crate) mod maybe {
    use super::{BTreeMap, Deserialize, Deserializer, Serialize, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// Those of the format.
    pub(crate) fn serialize<S, K, V>(map: &Option<BTreeMap<K, V>>, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        K: Serialize,
        V: Serialize,
    {
        map.as_ref().map(|map| map.iter().collect::<Vec<_>>()).serialize(serializer)
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is neither null nor a list of pairs.
    pub(crate) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<Option<BTreeMap<K, V>>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        Ok(Option::<Vec<(K, V)>>::deserialize(deserializer)?.map(|pairs| pairs.into_iter().collect()))
    }
}

/// A map of such maps.
pub(crate) mod inside {
    use super::{BTreeMap, Deserialize, Deserializer, Serialize, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// Those of the format.
    pub(crate) fn serialize<S, O, K, V>(
        map: &BTreeMap<O, BTreeMap<K, V>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        O: Serialize,
        K: Serialize,
        V: Serialize,
    {
        serializer.collect_seq(map.iter().map(|(key, inner)| (key, inner.iter().collect::<Vec<_>>())))
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is no list of pairs of them.
    pub(crate) fn deserialize<'de, D, O, K, V>(
        deserializer: D,
    ) -> Result<BTreeMap<O, BTreeMap<K, V>>, D::Error>
    where
        D: Deserializer<'de>,
        O: Deserialize<'de> + Ord,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        let read = Vec::<(O, Vec<(K, V)>)>::deserialize(deserializer)?;
        Ok(read.into_iter().map(|(key, inner)| (key, inner.into_iter().collect())).collect())
    }
}
