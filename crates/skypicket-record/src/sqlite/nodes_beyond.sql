-- Nodes of the tree that no full subtree of the entries has.
SELECT level, number
FROM tree_nodes
WHERE level < 8
   OR level > 62
   OR number < 0
   OR ((number + 1) << level) > (SELECT coalesce(max(idx) + 1, 0) FROM entries)
LIMIT 100
