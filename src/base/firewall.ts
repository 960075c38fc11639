import { Nftables, NftablesError } from '../native/nftables.ts'

/** Another program's chain that judges incoming packets. */
export interface OtherChain {
  /** The chain's name with family and table: `ip filter INPUT`. */
  readonly name: string
  readonly policy: string
  /** True if the chain has rules. */
  readonly rules: boolean
}

/** The firewall of this network namespace. */
export class Firewall {
  readonly #nft = new Nftables()

  /** Runs commands, all or none. @throws NftablesError */
  run(commands: string): string {
    return this.#nft.run(commands)
  }

  /** Lists a table as `nft -f` can load it again, or with names for people; `undefined`: there is no table. */
  list(table: string, byName = false): string | undefined {
    try {
      return this.#nft.run(`list table ${table}`, true, byName)
    } catch (error) {
      if (error instanceof NftablesError) return undefined
      throw error
    }
  }

  /** Returns chains of other tables that judge incoming packets, and may refuse some. */
  others(ours: readonly string[]): readonly OtherChain[] {
    return otherChains(this.#nft.run('list ruleset', true), ours)
  }

  close(): void {
    this.#nft.close()
  }
}

/** Reads the chains with an input hook from a listing of nft(8). */
export function otherChains(listing: string, ours: readonly string[]): readonly OtherChain[] {
  const found: OtherChain[] = []
  let table = ''
  let chain: { name: string; policy: string; rules: number } | undefined
  for (const line of listing.split('\n')) {
    const text = line.trim()
    const tableName = /^table (\S+ \S+) \{/.exec(line)?.[1]
    if (tableName !== undefined) table = tableName
    const chainName = /^\tchain (\S+) \{/.exec(line)?.[1]
    if (chainName !== undefined) chain = { name: chainName, policy: '', rules: 0 }
    if (chain === undefined) continue
    const policy = /^type filter hook input priority [^;]*;(?: policy (\w+);)?/.exec(text)
    if (policy !== null) chain.policy = policy[1] ?? 'accept'
    else if (line === '\t}') {
      const { name, rules } = chain
      if (chain.policy !== '' && !ours.includes(table) && (rules > 0 || chain.policy !== 'accept')) {
        found.push({ name: `${table} ${name}`, policy: chain.policy, rules: rules > 0 })
      }
      chain = undefined
    } else if (chainName === undefined && text !== '') chain.rules++
  }
  return found
}
