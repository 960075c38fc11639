import { createSocket } from 'node:dgram'
import { parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { contains, parseNetwork } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { ClientError } from '../fault.ts'
import type { Destination } from '../destination.ts'

/** Any port will do, because nothing is sent. */
const DISCARD_PORT = 9

/**
 * Addresses that are valid only in their own network (RFC 1918, RFC 6598, RFC 3927, RFC 1122; RFC 4193, RFC 4291). When
 * a packet leaves the network, its source address is translated.
 */
const PRIVATE: readonly Network[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1',
].map((text) => parseNetwork(text)!)

/** The address that the server will see, as far as it is known. */
export type OwnAddress =
  | { readonly kind: 'known'; readonly address: Address }
  /**
   * A private source address for a public destination. It is translated to an address that this machine cannot know.
   */
  | { readonly kind: 'translated'; readonly address: Address }

/** Returns the system's source address for a destination. Nothing is sent. */
export async function localAddressFor({ family, address, source }: Destination): Promise<Address> {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    lookup: (host, _options, done) => done(null, host, family),
  })
  try {
    const text = await new Promise<string>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ port: 0, ...(source === undefined ? {} : { address: source }) }, () => {
        socket.connect(DISCARD_PORT, address, () => resolve(socket.address().address))
      })
    })
    const found = parseAddress(text.replace(/%.*$/, ''))
    if (found !== undefined) return found
    throw new ClientError(`cannot determine the source address: ${text}`, 'name it with --claim')
  } finally {
    socket.close()
  }
}

/** Decides whether the server sees the packet's source address. A private address reaches only a private network. */
export function judge(own: Address, destination: Address): OwnAddress {
  return isPrivate(own) && !isPrivate(destination)
    ? { kind: 'translated', address: own }
    : { kind: 'known', address: own }
}

function isPrivate(address: Address): boolean {
  return PRIVATE.some((network) => contains(network, address))
}
