import { createHash } from 'node:crypto'
import type { KnockHost } from '../knock-host.ts'

/** Returns the CSP source of an inline element's text (CSP 3, 2.3.1). */
export function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`
}

/**
 * Returns the page's Content Security Policy. It allows the page's own script and style by hash, the list beside it,
 * and knocks at one host. A policy cannot contain IPv6 (CSP 3, 2.3.1).
 */
export function policyOf(script: string, style: string, host: KnockHost | undefined): string {
  const knocks = host?.urlHost === undefined ? '' : ` http://${host.urlHost}:* https://${host.urlHost}:*`
  return [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    `connect-src 'self'${knocks}`,
    // This allows the icon.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}
