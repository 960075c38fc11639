import { networkInterfaces } from 'node:os'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'

/** Returns this host's current addresses, on all interfaces that are up. */
export function localAddresses(): readonly Address[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all.flatMap(({ address }) => parseAddress(address) ?? [])
}

/** Returns the broadcast addresses of this host's IPv4 networks: the last address of each (RFC 919). */
export function broadcastAddresses(): readonly Address[] {
  return Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).flatMap(({ family, address, netmask }) => {
      const [own, mask] = [parseAddress(address), parseAddress(netmask)]
      if (family !== 'IPv4' || own === undefined || mask === undefined) return []
      return [{ ...own, a: own.a | ~mask.a }]
    }),
  )
}

/** Returns the interface's current addresses, as text. */
export function addressesOf(name: string): readonly string[] {
  return (networkInterfaces()[name] ?? []).map(({ address }) => address)
}
