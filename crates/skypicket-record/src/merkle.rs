//! The Merkle tree of RFC 6962 section 2.1: roots, a growing tree kept as its peaks, and proofs.
//!
//! A leaf is hashed as SHA-256(0x00 ‖ data), a node as SHA-256(0x01 ‖ left ‖ right), the empty tree as SHA-256 of
//! nothing. The checking functions take only what a stranger has; they are RFC 9162 sections 2.1.3.2 and 2.1.4.2.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256 of some bytes, given in parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> Hash {
    sha256(&[&[0], data])
}

/// Hash of a node from its children's.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// Root of the tree without leaves.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Root over leaves' data.
pub fn root_of<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Hash {
    let mut tree = CompactTree::default();
    for leaf in leaves {
        tree.push(leaf_hash(leaf), |_, _, _| ());
    }
    tree.root()
}

/// A growing tree, kept as the roots of its full subtrees ("peaks"), largest first: at most 64 hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactTree {
    size: u64,
    peaks: Vec<Hash>,
}

impl CompactTree {
    /// From what was kept: a size and as many peaks, 32 bytes each, as it has bits set. `None` when they do not fit.
    pub fn from_parts(size: u64, peaks: &[u8]) -> Option<Self> {
        let (whole, rest) = peaks.as_chunks::<32>();
        let fits = rest.is_empty() && whole.len() as u64 == u64::from(size.count_ones());
        fits.then(|| Self { size, peaks: whole.to_vec() })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The peaks, 32 bytes each, largest first.
    pub fn peaks(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Adds a leaf by its hash. `on_node` is told of each subtree that became full: its level (1 = two leaves), its
    /// number among those of its level, and its hash.
    pub fn push(&mut self, leaf: Hash, mut on_node: impl FnMut(u32, u64, &Hash)) {
        let mut hash = leaf;
        let mut number = self.size;
        let mut level = 0;
        while number & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node_hash(&left, &hash);
            number >>= 1;
            level += 1;
            on_node(level, number, &hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root.
    pub fn root(&self) -> Hash {
        let mut from_right = self.peaks.iter().rev();
        let Some(last) = from_right.next() else { return empty_root() };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Where full subtrees are kept.
pub trait Nodes {
    /// What can go wrong.
    type Error;
    /// Hash of the full subtree `number` of `level` (level 0 = leaves).
    fn node(&mut self, level: u32, number: u64) -> Result<Hash, Self::Error>;
}

/// Largest power of two below `n`, n ≥ 2 (RFC 6962's k).
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// Root of the leaves `from..to` (`from` a multiple of the size of the largest full subtree in it).
fn range_hash<N: Nodes>(nodes: &mut N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let n = to - from;
    if n == 0 {
        return Ok(empty_root());
    }
    if n.is_power_of_two() {
        return nodes.node(n.trailing_zeros(), from / n);
    }
    let middle = from + split(n);
    Ok(node_hash(&range_hash(nodes, from, middle)?, &range_hash(nodes, middle, to)?))
}

/// Root of the first `size` leaves.
pub fn root_at<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    range_hash(nodes, 0, size)
}

/// The hashes that prove leaf `index` to be in the tree of `size` leaves (RFC 6962 section 2.1.1); `index < size`.
pub fn inclusion_path<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range_hash(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range_hash(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that prove the tree of `old` leaves to be the beginning of that of `new` (RFC 6962 section 2.1.2);
/// `old <= new`.
pub fn consistency_path<N: Nodes>(nodes: &mut N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(path);
    }
    let (mut from, mut to) = (0, new);
    let mut whole = true;
    // Down to the subtree that ends where the old tree ended.
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range_hash(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range_hash(nodes, from, middle)?);
            from = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(range_hash(nodes, from, to)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves the leaf hashed `leaf` to be number `index` of the tree of `size` leaves with `root`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut number, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if number & 1 == 1 || number == last {
            hash = node_hash(sibling, &hash);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `path` proves the tree of `old` leaves with `old_root` to be the beginning of that of `new` with `new_root`.
pub fn verify_consistency(old: u64, new: u64, path: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let mut rest = path.iter();
    // An old tree that is one full subtree needs no hash of its own in the path.
    let first = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut number, mut last) = (old - 1, new - 1);
    while number & 1 == 1 {
        number >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if number & 1 == 1 || number == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while number & 1 == 0 && number != 0 {
                number >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        number >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// RFC 6962 section 2.1, word for word.
    fn naive_root(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => leaf_hash(one),
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                node_hash(&naive_root(left), &naive_root(right))
            }
        }
    }

    /// PATH(m, D[n]) of section 2.1.1, word for word.
    fn naive_path(index: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        if index < k {
            let mut path = naive_path(index, left);
            path.push(naive_root(right));
            path
        } else {
            let mut path = naive_path(index - k, right);
            path.push(naive_root(left));
            path
        }
    }

    /// SUBPROOF(m, D[n], b) of section 2.1.2, word for word.
    fn naive_subproof(old: usize, leaves: &[Vec<u8>], whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![naive_root(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        if old <= k {
            let mut path = naive_subproof(old, left, whole);
            path.push(naive_root(right));
            path
        } else {
            let mut path = naive_subproof(old - k, right, false);
            path.push(naive_root(left));
            path
        }
    }

    struct Naive<'a>(&'a [Vec<u8>]);
    impl Nodes for Naive<'_> {
        type Error = Infallible;
        fn node(&mut self, level: u32, number: u64) -> Result<Hash, Infallible> {
            let from = usize::try_from(number << level).unwrap();
            Ok(naive_root(&self.0[from..from + (1 << level)]))
        }
    }

    fn leaves(n: usize) -> Vec<Vec<u8>> {
        (0..n).map(|k| format!("leaf {k}").into_bytes()).collect()
    }

    fn hex(h: &[u8]) -> String {
        h.iter().fold(String::new(), |s, b| s + &format!("{b:02x}"))
    }

    /// The vectors that Certificate Transparency implementations share.
    #[test]
    fn roots_are_those_of_the_reference_vectors() {
        let data: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        assert_eq!(hex(&empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (n, root) in roots.iter().enumerate() {
            assert_eq!(hex(&root_of(data[..=n].iter().copied())), *root, "{} leaves", n + 1);
        }
    }

    #[test]
    fn every_proof_of_small_trees_is_the_standards_own_and_checks() {
        let all = leaves(33);
        let mut tree = CompactTree::default();
        for n in 0..=all.len() {
            let (some, size) = (&all[..n], n as u64);
            let root = naive_root(some);
            assert_eq!(tree.root(), root, "{n} leaves");
            assert_eq!(CompactTree::from_parts(tree.size(), &tree.peaks()).as_ref(), Some(&tree));
            assert_eq!(root_at(&mut Naive(some), size), Ok(root));
            for (index, data) in some.iter().enumerate() {
                let path = inclusion_path(&mut Naive(some), index as u64, size).unwrap();
                assert_eq!(path, naive_path(index, some));
                let leaf = leaf_hash(data);
                assert!(verify_inclusion(&leaf, index as u64, size, &path, &root), "{index} in {n}");
                assert!(!verify_inclusion(&leaf_hash(b"another"), index as u64, size, &path, &root));
                for elsewhere in (0..n).filter(|e| *e != index) {
                    assert!(!verify_inclusion(&leaf, elsewhere as u64, size, &path, &root), "{index} as {elsewhere}");
                }
            }
            for old in 0..=n {
                let path = consistency_path(&mut Naive(some), old as u64, size).unwrap();
                if old > 0 {
                    assert_eq!(path, naive_subproof(old, some, true), "{old} in {n}");
                }
                let old_root = naive_root(&all[..old]);
                assert!(verify_consistency(old as u64, size, &path, &old_root, &root), "{old} in {n}");
                if old < n {
                    let wrong = leaf_hash(b"wrong");
                    assert!(!verify_consistency(old as u64, size, &path, &wrong, &root));
                    assert!(old == 0 || !verify_consistency(old as u64, size, &path, &old_root, &wrong));
                }
            }
            if let Some(next) = all.get(n) {
                tree.push(leaf_hash(next), |level, number, hash| {
                    assert_eq!(Naive(&all).node(level, number).as_ref(), Ok(hash));
                });
            }
        }
    }

    #[test]
    fn peaks_that_do_not_fit_the_size_are_refused() {
        assert!(CompactTree::from_parts(3, &[0; 32]).is_none());
        assert!(CompactTree::from_parts(1, &[0; 33]).is_none());
        assert!(CompactTree::from_parts(0, &[]).is_some());
    }

    proptest! {
        #[test]
        fn a_changed_path_proves_nothing(n in 2usize..200, at in any::<prop::sample::Index>(),
                                         place in any::<prop::sample::Index>(), bit in 0u8..8) {
            let all = leaves(n);
            let index = at.index(n);
            let mut path = inclusion_path(&mut Naive(&all), index as u64, n as u64).unwrap();
            let byte = place.index(path.len() * 32);
            path[byte / 32][byte % 32] ^= 1 << bit;
            prop_assert!(!verify_inclusion(&leaf_hash(&all[index]), index as u64, n as u64, &path, &naive_root(&all)));
        }
    }
}
