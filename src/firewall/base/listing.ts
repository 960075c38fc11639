/**
 * The state of the base ruleset's table. `absent` and `empty` let everything in; `trial` does so once the kernel has
 * emptied its set. `rules` refuses what it does not name.
 */
export type BaseListing = 'absent' | 'empty' | 'trial' | 'rules'

/** Reads a listing of nft(8). The listing is `undefined` if there is no such table. */
export function readListing(listing: string | undefined): BaseListing {
  if (listing === undefined) return 'absent'
  if (/^\tset trial \{/m.test(listing)) return 'trial'
  const chains = [...listing.matchAll(/^\tchain \S+ \{\n([^]*?)^\t\}/gm)].map(([, body = '']) => body)
  const rules = chains.flatMap((body) =>
    body.split('\n').filter((line) => line.trim() !== '' && !/^\s*(?:type filter hook|#)/.test(line)),
  )
  return rules.length > 0 && chains.some((body) => body.includes('hook input')) ? 'rules' : 'empty'
}
