import type { Address } from '../packet/address.ts'
import { contains, networkOf } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'

/** Finds values of networks by an address in them. It takes one look-up for each prefix length in use. */
export class SourceIndex<Value> {
  readonly #prefixes = new Map<number, Map<number, { readonly network: Network; readonly value: Value }[]>>()

  add(network: Network, value: Value): void {
    let byHash = this.#prefixes.get(network.prefix)
    if (byHash === undefined) this.#prefixes.set(network.prefix, (byHash = new Map()))
    const hash = hashOf(network.address)
    const there = byHash.get(hash)
    if (there === undefined) byHash.set(hash, [{ network, value }])
    else there.push({ network, value })
  }

  /** Calls back with the values of the networks that contain the address. */
  find(address: Address, each: (value: Value) => void): void {
    for (const [prefix, byHash] of this.#prefixes) {
      for (const { network, value } of byHash.get(hashOf(networkOf(address, prefix).address)) ?? []) {
        if (contains(network, address)) each(value)
      }
    }
  }
}

/** Returns a hash that differs for most addresses. The found networks are compared all the same. */
function hashOf({ a, b, c, d }: Address): number {
  return (Math.imul(Math.imul(Math.imul(a, 31) ^ b, 31) ^ c, 31) ^ d) | 0
}
