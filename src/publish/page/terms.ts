import { isFileName } from '../client-profile.ts'
import { readKnockHost } from '../knock-host.ts'
import type { KnockHost } from '../knock-host.ts'

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

/** The error for terms of which no page can be made. Its message names the wrong term. */
export class PageError extends Error {
  override name = 'PageError'
}

/**
 * Reads a host, which becomes part of the page's policy. Other text there could allow more than intended.
 *
 * @throws {@link PageError} if it is neither an ASCII DNS name nor an address
 */
export function readHost(text: string): KnockHost {
  const host = readKnockHost(text)
  if (host === undefined) {
    throw new PageError('the host of a page is neither a DNS name nor an address\nuse a name like gate.example.org')
  }
  return host
}

/**
 * Returns the list's name as a relative URL.
 *
 * @throws {@link PageError} if it is not the name of a file in the page's folder
 */
export function listUrl(listFile: string): string {
  if (!isFileName(listFile)) {
    throw new PageError('the list of a page is not a file beside it\nuse a name like ssh.age')
  }
  return encodeURIComponent(listFile)
}
