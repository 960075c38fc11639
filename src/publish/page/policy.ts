import { createHash } from 'node:crypto'
import type { KnockHost } from '../knock-host.ts'

/** Returns the CSP source of an inline element's text (CSP 3, 2.3.1). */
export function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`
}

/** The needs of a page beyond its script and style. */
export interface PolicyTerms {
  /** The host at which it knocks; `undefined`: it does not knock. */
  readonly host: KnockHost | undefined
  /** True if it has a service worker and a manifest beside it. */
  readonly isApp: boolean
}

/**
 * Returns the page's Content Security Policy. It allows the page's own script and style by hash, files of its own
 * server, and knocks at one host. A policy cannot contain IPv6 (CSP 3, 2.3.1).
 */
export function policyOf(script: string, style: string, { host, isApp }: PolicyTerms): string {
  const knocks = host?.urlHost === undefined ? '' : ` http://${host.urlHost}:* https://${host.urlHost}:*`
  return [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    `connect-src 'self'${knocks}`,
    // This allows the icon.
    `img-src data:${isApp ? " 'self'" : ''}`,
    ...(isApp ? ["worker-src 'self'", "manifest-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    // The name of a worker is a script for browsers (browser/client/worker.ts).
    `trusted-types ${isApp ? 'postern-worker' : "'none'"}`,
  ].join('; ')
}
