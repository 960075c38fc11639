import { LogThrottle } from '../limit/log-throttle.ts'
import type { Address } from '../packet/address.ts'
import type { AuthenticatorDeps } from './deps.ts'

/** Logs messages about the owners of keys. Each is logged rarely, because anybody can replay packets. */
export class RareNotices {
  readonly #deps: Pick<AuthenticatorDeps, 'say' | 'explain'>
  readonly #throttle = new LogThrottle()

  constructor(deps: Pick<AuthenticatorDeps, 'say' | 'explain'>) {
    this.#deps = deps
  }

  /**
   * Logs a notice, or else explains it.
   *
   * @param subject identifies notices that are alike
   * @param explanation the shorter text of the explanation
   */
  say(source: Address, text: string, subject = withoutDigits(text), explanation = text): void {
    if (this.#throttle.due(subject, performance.now())) this.#deps.say('notice', text)
    else this.#deps.explain(source, undefined, explanation)
  }
}

/** Returns the same text for texts that differ only in numbers. */
export function withoutDigits(text: string): string {
  return text.replaceAll(/[0-9]+/g, '0')
}
