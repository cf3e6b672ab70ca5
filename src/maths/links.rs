//! Links between things, looked at as a whole: whether they form a loop, and how long a line of them is.
//! Every answer takes time in proportion to the links, however many ways there are through them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Links from one thing to others.
#[derive(Clone, Debug)]
pub struct Links<N> {
    onward: BTreeMap<N, BTreeSet<N>>,
}

impl<N: Copy + Ord> Links<N> {
    /// These links, each from the first to the second.
    pub fn new(links: impl IntoIterator<Item = (N, N)>) -> Self {
        let mut onward: BTreeMap<N, BTreeSet<N>> = BTreeMap::new();
        for (from, to) in links {
            onward.entry(from).or_default().insert(to);
        }
        Self { onward }
    }

    /// Where the links of a thing lead, in order.
    pub fn from(&self, thing: N) -> impl Iterator<Item = N> {
        self.onward.get(&thing).into_iter().flatten().copied()
    }

    /// A shortest way from one thing to another, both included; a thing is its own way.
    pub fn way(&self, from: N, to: N) -> Option<Vec<N>> {
        let mut came_from: BTreeMap<N, N> = BTreeMap::new();
        let mut next = VecDeque::from([from]);
        while let Some(here) = next.pop_front() {
            if here == to {
                let back = |thing: &N| came_from.get(thing).copied().filter(|_| *thing != from);
                let mut way: Vec<N> = std::iter::successors(Some(to), back).collect();
                way.reverse();
                return Some(way);
            }
            for onward in self.from(here) {
                if onward != from && !came_from.contains_key(&onward) {
                    came_from.insert(onward, here);
                    next.push_back(onward);
                }
            }
        }
        None
    }

    /// How many links the longest line from a thing has; `None` where it leads into a loop.
    pub fn longest_line(&self, from: N) -> Option<usize> {
        // Things in the order in which the last of them is left: none comes before what it leads to.
        let (mut lengths, mut open): (BTreeMap<N, usize>, BTreeSet<N>) = (BTreeMap::new(), BTreeSet::new());
        let mut todo = vec![from];
        while let Some(here) = todo.last().copied() {
            if lengths.contains_key(&here) {
                todo.pop();
                continue;
            }
            let unknown: Vec<N> = self.from(here).filter(|onward| !lengths.contains_key(onward)).collect();
            if unknown.is_empty() {
                let longest = self.from(here).filter_map(|onward| lengths.get(&onward)).max();
                lengths.insert(here, longest.map_or(0, |length| length + 1));
                open.remove(&here);
                todo.pop();
                continue;
            }
            if !open.insert(here) || unknown.iter().any(|onward| open.contains(onward)) {
                return None;
            }
            todo.extend(unknown);
        }
        lengths.get(&from).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1 → 2 → 4, 1 → 3 → 4 → 5, and 6 → 6.
    fn few() -> Links<u8> {
        Links::new([(1, 2), (2, 4), (1, 3), (3, 4), (4, 5), (6, 6)])
    }

    #[test]
    fn a_way_is_a_shortest_one() {
        assert_eq!(few().way(1, 5), Some(vec![1, 2, 4, 5]));
        assert_eq!(few().way(5, 1), None);
        assert_eq!(few().way(4, 4), Some(vec![4]));
        assert_eq!(few().way(9, 9), Some(vec![9]));
    }

    #[test]
    fn a_line_is_counted_in_links() {
        let lengths: Vec<_> = (1..=7).map(|thing| few().longest_line(thing)).collect();
        assert_eq!(lengths, [Some(3), Some(2), Some(2), Some(1), Some(0), None, Some(0)]);
        assert_eq!(Links::new([(1, 2), (2, 3), (3, 1), (0, 1)]).longest_line(0), None);
        // A ladder has more ways than anybody could walk.
        let ladder = Links::new((0..200u32).flat_map(|step| [(step, step + 1), (step, step + 2)]));
        assert_eq!(ladder.longest_line(0), Some(200));
    }

    /// Every way without a thing twice, walked.
    fn walked(links: &[(u8, u8)], path: &mut Vec<u8>) -> Option<usize> {
        let here = *path.last().unwrap();
        let mut longest = 0;
        for (_, to) in links.iter().filter(|(from, _)| *from == here) {
            if path.contains(to) {
                return None;
            }
            path.push(*to);
            longest = longest.max(1 + walked(links, path)?);
            path.pop();
        }
        Some(longest)
    }

    proptest! {
        #[test]
        fn it_agrees_with_walking_every_way(links in proptest::collection::vec((0u8..7, 0u8..7), 0..14), from in 0u8..7) {
            let found = Links::new(links.iter().copied());
            prop_assert_eq!(found.longest_line(from), walked(&links, &mut vec![from]));
            for to in 0..7 {
                let mut reached = BTreeSet::from([from]);
                for _ in 0..7 {
                    let further: Vec<u8> = links.iter().filter(|(here, _)| reached.contains(here)).map(|(_, to)| *to).collect();
                    reached.extend(further);
                }
                let way = found.way(from, to);
                prop_assert_eq!(way.is_some(), reached.contains(&to));
                if let Some(way) = way {
                    prop_assert!(way.first() == Some(&from) && way.last() == Some(&to));
                    prop_assert!(way.windows(2).all(|step| links.contains(&(step[0], step[1]))));
                }
            }
        }
    }
}
