import { isIP } from 'node:net'

/** The contents of a page. */
export interface PageTerms {
  readonly door: string
  /** The name of the encrypted list in the same folder, such as `ssh.age`. */
  readonly listFile: string
  /**
   * The host at which the page may knock: a DNS name or an address, IPv6 with or without brackets. If `undefined`, the
   * page does not knock.
   */
  readonly host: string | undefined
}

/** The host at which a page may knock. */
export interface KnockHost {
  /** The host for commands: IPv6 without brackets. */
  readonly name: string
  /** The host for URLs and the page's policy; `undefined` if no policy can allow it. */
  readonly urlHost: string | undefined
  readonly isName: boolean
}

/** The error for terms of which no page can be made. Its message names the wrong term. */
export class PageError extends Error {
  override name = 'PageError'
}

/**
 * The format of a DNS label is from RFC 1123, 2.1, its length from RFC 1035, 2.3.4. The policy's grammar allows no
 * other characters (CSP 3, 2.3.1).
 */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const NAME_MAX_CHARS = 253
const IPV6 = 6

/**
 * Reads a host, which becomes part of the page's policy. Other text there could allow more than intended.
 *
 * @throws {@link PageError} if it is neither an ASCII DNS name nor an address
 */
export function readHost(text: string): KnockHost {
  const bare = /^\[(.*)\]$/.exec(text)?.[1]
  // A scope names a link of the reader's machine, which is unknown here.
  if (isIP(bare ?? text) === IPV6 && !text.includes('%')) {
    return { name: bare ?? text, urlHost: undefined, isName: false }
  }
  if (isIP(text) !== 0) return { name: text, urlHost: text, isName: false }
  const labels = text.split('.')
  const isAddressLike = /^(?:[0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1)!)
  if (text.length > NAME_MAX_CHARS || isAddressLike || !labels.every((label) => LABEL.test(label))) {
    throw new PageError('the host of a page is neither a DNS name nor an address\nuse a name like gate.example.org')
  }
  return { name: text, urlHost: text.toLowerCase(), isName: true }
}

/**
 * Returns the list's name as a relative URL.
 *
 * @throws {@link PageError} if it is not the name of a file in the page's folder
 */
export function listUrl(listFile: string): string {
  if (listFile === '' || listFile === '.' || listFile === '..' || /[/\\\0]/.test(listFile)) {
    throw new PageError('the list of a page is not a file beside it\nuse a name like ssh.age')
  }
  return encodeURIComponent(listFile)
}
