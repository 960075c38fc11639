import type { Config } from '../../config/config.ts'
import { codeOf } from '../../config/secret.ts'
import { formatSequence } from '../../config/sequence.ts'
import { sequenceUnlike, sequencesIn } from '../user/unlike.ts'
import type { Card } from './card.ts'
import { GUESS_DEFAULTS } from './guessing.ts'
import type { GuessTerms } from './guessing.ts'

/** The advice about a sequence before codes, with the card of a new one for a door without. */
export interface Front {
  readonly text: string
  readonly card?: Card
}

/** A door with codes, as far as its config tells. */
export interface CodeDoor {
  readonly guess: GuessTerms
  readonly front: () => Front
}

/**
 * Returns the rules that protect the codes of a door.
 *
 * @param config `undefined`: it cannot be read, or it is on another machine
 * @param listening returns the ports on which programs listen, which are no knocks
 */
export function codeDoor(name: string, config: Config | undefined, listening: () => ReadonlySet<number>): CodeDoor {
  const door = config?.doors.find((each) => each.name === name)
  const code = door && codeOf(door.secret)
  const { scanPorts, scanIgnoreMs } = config?.options ?? {}
  const guess: GuessTerms = {
    skew: code?.skew ?? GUESS_DEFAULTS.skew,
    scanIgnoreMs: scanPorts === 0 ? undefined : (scanIgnoreMs ?? GUESS_DEFAULTS.scanIgnoreMs),
  }
  const front = (): Front => {
    if (code !== undefined && code.before.length > 0) {
      return { text: `the Sequence of [${name}] comes first, so guessing stays hopeless\n` }
    }
    const { sequences, services } = config === undefined ? { sequences: [], services: [] } : sequencesIn(config)
    const knocks = sequenceUnlike(sequences, new Set([...services, ...listening()]))
    return {
      text: `put the Sequence that was shown below [${name}]: it has to be knocked, and guessed, before the code\n`,
      card: {
        name: 'line',
        heading: `for the config, below [${name}]: with it, guessing is hopeless again, and everybody knocks it before the code`,
        lines: [`Sequence = ${formatSequence(knocks)}`],
      },
    }
  }
  return { guess, front }
}
