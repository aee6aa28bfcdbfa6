//! Putting things that depend on each other in order.

/// The groups of nodes that depend on each other in a circle, dependencies first; a node on no circle is a group of its
/// own. `depends_on[i]` lists what `i` needs before it; numbers out of range are ignored. Among nodes that do not
/// depend on each other, the order given is kept.
pub(crate) fn components(depends_on: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut search = Search {
        depends_on,
        index: vec![None; depends_on.len()],
        low: vec![0; depends_on.len()],
        on_stack: vec![false; depends_on.len()],
        stack: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    (0..depends_on.len()).for_each(|node| search.visit(node));
    search.found
}

/// Tarjan's algorithm, with a stack of its own instead of recursion: chains of rows can be long.
struct Search<'g> {
    depends_on: &'g [Vec<usize>],
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, root: usize) {
        if self.index[root].is_some() {
            return;
        }
        self.enter(root);
        // (node, how many of its dependencies are done)
        let mut path = vec![(root, 0_usize)];
        while let Some((node, done)) = path.last_mut() {
            let node = *node;
            match self.depends_on[node].get(*done).copied() {
                Some(next) => {
                    *done += 1;
                    match self.index.get(next) {
                        Some(None) => {
                            self.enter(next);
                            path.push((next, 0));
                        }
                        Some(Some(index)) if self.on_stack[next] => {
                            self.low[node] = self.low[node].min(*index)
                        }
                        _ => {}
                    }
                }
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.low[*parent] = self.low[*parent].min(self.low[node]);
                    }
                    self.leave(node);
                }
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = Some(self.next);
        self.low[node] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.on_stack[node] = true;
    }

    /// If `node` is the first of its group that was met, the group is all that is above it on the stack.
    fn leave(&mut self, node: usize) {
        if Some(self.low[node]) != self.index[node] {
            return;
        }
        let start = self
            .stack
            .iter()
            .rposition(|other| *other == node)
            .unwrap_or_default();
        let mut group = self.stack.split_off(start);
        group.iter().for_each(|member| self.on_stack[*member] = false);
        group.sort_unstable();
        self.found.push(group);
    }
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn dependencies_come_first() {
        assert_eq!(components(&[vec![2], vec![0], vec![]]), [[2], [0], [1]]);
    }

    #[test]
    fn circles_are_groups() {
        let groups = components(&[vec![1], vec![2], vec![0, 3], vec![], vec![4]]);
        assert_eq!(groups, [vec![3], vec![0, 1, 2], vec![4]]);
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let depends_on: Vec<Vec<usize>> = (0..100_000).map(|i| vec![i + 1]).collect();
        assert_eq!(components(&depends_on).len(), 100_000);
    }
}
