import { resolveAll } from '../destination.ts'
import { ClientError } from '../fault.ts'
import type { PublishedList } from './list.ts'

/**
 * Refuses a list for another host. An attacker who can write to this host's web server may have put it there. Knocking
 * it would reveal the other host's next sequence.
 *
 * @throws ClientError (as a rejection) if the hosts share neither name nor address
 */
export async function checkHost({ host: named }: PublishedList, host: string): Promise<void> {
  if (named === undefined || plain(named) === plain(host)) return
  const [theirs, ours] = await Promise.all([addressesOf(named), addressesOf(host)])
  if (ours.some((address) => theirs.includes(address))) return
  throw new ClientError(
    `the list is for ${named}, not for ${host}`,
    `if that is the same machine, knock at ${named}; else somebody has put another host's list there`,
  )
}

function plain(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await resolveAll(host, undefined)).map(({ address }) => address)
  } catch {
    // An unknown name does not belong to the host that is knocked.
    return []
  }
}
