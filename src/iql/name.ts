// Owns which names of knowledge graphs and relations a statement can write: a shard of another name could be made by
// code, and asked for nothing here.

const GRAPH = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/
const RELATION = /^[a-z][A-Za-z0-9_]*$/

/** Whether a knowledge graph can be called so. */
export const isGraphName = (name: string): boolean => GRAPH.test(name)

/** Whether `shard` is `graph:relation`, each with a name that can be written. */
export const isRelationShard = (shard: string): boolean => {
  const colon = shard.indexOf(':')
  return colon !== -1 && isGraphName(shard.slice(0, colon)) && RELATION.test(shard.slice(colon + 1))
}
