import { isIP } from 'node:net'

/** What a page is about. */
export interface PageTerms {
  readonly door: string
  /** The encrypted list's name in the same folder, such as `ssh.age`. */
  readonly listFile: string
  /** A DNS name or an address, IPv6 with or without brackets: where the page may knock. `undefined`: nowhere. */
  readonly host: string | undefined
}

/** Where a page may knock. */
export interface KnockHost {
  /** As commands have it: IPv6 without brackets. */
  readonly name: string
  /** As URLs and the page's policy have it. `undefined`: a browser cannot be let at it. */
  readonly urlHost: string | undefined
  readonly isName: boolean
}

/** A page cannot be made of these terms. The message names the term at fault. */
export class PageError extends Error {
  override name = 'PageError'
}

/** RFC 1123, 2.1, and lengths of RFC 1035, 2.3.4. The policy's grammar has nothing else either (CSP 3, 2.3.1). */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const NAME_MAX_CHARS = 253
const IPV6 = 6

/**
 * Reads a host. Throws {@link PageError} if it is neither a DNS name in ASCII nor an address: it becomes part of the
 * page's policy, where other text could allow more than was meant.
 */
export function readHost(text: string): KnockHost {
  const bare = /^\[(.*)\]$/.exec(text)?.[1]
  // A scope names a link of the reader's own machine, which is not known here.
  if (isIP(bare ?? text) === IPV6 && !text.includes('%')) {
    return { name: bare ?? text, urlHost: undefined, isName: false }
  }
  if (isIP(text) !== 0) return { name: text, urlHost: text, isName: false }
  const labels = text.split('.')
  const isAddressLike = /^(?:[0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1)!)
  if (text.length > NAME_MAX_CHARS || isAddressLike || !labels.every((label) => LABEL.test(label))) {
    throw new PageError('the host of a page is neither a DNS name nor an address\na name like gate.example.org will do')
  }
  return { name: text, urlHost: text.toLowerCase(), isName: true }
}

/**
 * The list's name as a relative URL. Throws {@link PageError} if it is not the name of a file in the page's own folder.
 */
export function listUrl(listFile: string): string {
  if (listFile === '' || listFile === '.' || listFile === '..' || /[/\\\0]/.test(listFile)) {
    throw new PageError('the list of a page is not a file beside it\na name like ssh.age will do')
  }
  return encodeURIComponent(listFile)
}
