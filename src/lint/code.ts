import type { PlacedDoor } from './placed-door.ts'
import type { Facts } from './facts.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import type { Config, SecretConfig } from '../config/config.ts'
import { codeOf, secretPath } from '../config/secret.ts'
import { codesIn } from '../config/users.ts'
import { DIGITS_MAX } from '../totp/secret-text.ts'

/** A door with time-based codes. */
interface CodeDoor {
  readonly name: string
  /** Number of digits in the door's shortest codes. */
  readonly digits: number
  /** True if a sequence comes before the codes. */
  readonly behind: boolean
}

/** Warns of doors whose codes can be guessed, or that somebody with forged addresses can keep shut. */
export class CodeDoors {
  readonly #facts: Facts
  readonly #doors: CodeDoor[] = []

  constructor(facts: Facts) {
    this.#facts = facts
  }

  add({ door: { name, secret }, entries }: PlacedDoor, faults: FaultList): void {
    const digits = this.#digitsOf(secret)
    if (digits === undefined) return
    const behind = codeOf(secret)?.before.length !== 0
    this.#doors.push({ name, digits, behind })
    const entry = entries.totp ?? entries.users
    if (behind || entry === undefined) return
    const message = 'codes alone: anyone who forges your address can use up its allowance of wrong codes'
    const hint = 'add a `Sequence`: then only codes that come after it count'
    faults.warning(entry.line, entry.valueColumn, message, hint)
  }

  end({ options, places }: Config, faults: FaultList): void {
    const entry = places.options.scanPorts
    if (entry === undefined || options.scanPorts > 0) return
    for (const { name, digits, behind } of this.#doors) {
      if (behind && digits >= DIGITS_MAX) continue
      const message = `nothing limits guesses at the codes of door ${quote(name)}, which have ${digits} digits`
      const hint = 'take this line out: with it, trying all of them takes minutes to hours'
      faults.warning(entry.line, entry.valueColumn, message, hint)
    }
  }

  /** Returns `undefined` if the door has no codes, or if its file cannot be read, which is reported elsewhere. */
  #digitsOf(secret: SecretConfig): number | undefined {
    if (codeOf(secret) === undefined) return undefined
    const { content = '' } = this.#facts.file(secretPath(secret)!)
    const digits = codesIn(secret, content).map((each) => each.digits)
    return digits.length === 0 ? undefined : Math.min(...digits)
  }
}
