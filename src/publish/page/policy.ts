import { createHash } from 'node:crypto'
import type { KnockHost } from './terms.ts'

/** The text of an inline element as a source of CSP 3, 2.3.1. */
export function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`
}

/**
 * The page's Content Security Policy: its own script and style to the byte, the list beside it, and knocks at one host.
 * A policy cannot say IPv6 (CSP 3, 2.3.1).
 */
export function policyOf(script: string, style: string, host: KnockHost | undefined): string {
  const knocks = host?.urlHost === undefined ? '' : ` http://${host.urlHost}:* https://${host.urlHost}:*`
  return [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(style)}`,
    `connect-src 'self'${knocks}`,
    // The icon.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}
