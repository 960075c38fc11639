// Goal: the app's codes, which the user types, decide what is written: the URI as asked, as the app reads it, or
// nothing. The correct code is never printed.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { codeOf, periodAt } from '../../totp/code.ts'
import type { TotpSecret } from '../../totp/secret.ts'
import { settle } from './app-check.ts'
import type { Settled } from './app-check.ts'
import type { Card } from './card.ts'
import type { CodeDoor } from './code-door.ts'
import { GUESS_DEFAULTS } from './guessing.ts'
import type { Viewer } from './viewer.ts'

const NOW = 1_700_000_010_000
const SECRET: TotpSecret = { key: new Uint8Array(20).fill(9), algorithm: 'SHA256', digits: 8, periodS: 60 }
const CARD: Card = { name: 'app', heading: 'for an app', lines: ['secret'] }
const show = (secret: TotpSecret, periods = 0): string => codeOf(secret, periodAt(secret, NOW) + periods)

beforeEach(() => vi.useFakeTimers({ now: NOW }))
afterEach(() => vi.useRealTimers())

interface Looked {
  readonly settled: Settled | undefined
  readonly fault: string
  /** The notes of all that was shown. */
  readonly notes: readonly string[]
  readonly cards: readonly Card[]
}

/** Somebody who types these lines. */
async function typed(
  lines: readonly string[],
  more: { isChecked?: boolean; front?: CodeDoor['front'] } = {},
): Promise<Looked> {
  const [notes, cards, left]: [string[], Card[], string[]] = [[], [], [...lines]]
  const viewer: Viewer = {
    show: async (card, said = []) => {
      await Promise.resolve()
      cards.push(card)
      notes.push(...said)
    },
    ask: async (card, _, said = []) => {
      await Promise.resolve()
      cards.push(card)
      notes.push(...said)
      return { text: left.shift()!, fromMs: NOW, toMs: NOW }
    },
    close: () => undefined,
  }
  const front = more.front ?? (() => ({ text: 'put it in front\n', card: { ...CARD, name: 'line' } as const }))
  const check = {
    secret: SECRET,
    card: CARD,
    notes: [],
    isChecked: more.isChecked ?? true,
    door: { guess: GUESS_DEFAULTS, front },
  }
  try {
    return { settled: await settle(check, viewer), fault: '', notes, cards }
  } catch (error) {
    return { settled: undefined, fault: (error as Error).message, notes, cards }
  }
}

test('as asked', async () => {
  expect((await typed([show(SECRET)])).settled).toEqual({
    secret: SECRET,
    text: 'the app shows the codes of this secret\n',
  })
})

describe('an app that ignores', () => {
  test('digits: what that means, and a Sequence to put in front', async () => {
    const asApp = { ...SECRET, digits: 6 }
    const { settled, cards, notes } = await typed([show(asApp)])
    expect(settled!.secret).toEqual(asApp)
    expect(settled!.text).toMatch(/^the app ignores digits=8 \(it has 6\): the secret is written as the app has it\n/)
    expect(settled!.text).toMatch(/100 times easier[^]*8 weeks[^]*put it in front\n$/)
    expect([cards.at(-1)!.name, notes.at(-1)]).toEqual(['line', settled!.text])
  })

  test('digits, at a door with a Sequence: nothing more is shown', async () => {
    const { settled, cards } = await typed([show({ ...SECRET, digits: 6 })], {
      front: () => ({ text: 'it comes first\n' }),
    })
    expect([settled!.text.endsWith('it comes first\n'), cards.length]).toEqual([true, 1])
  })

  test('algorithm and period: guessing is no easier', async () => {
    const asApp = { ...SECRET, algorithm: 'SHA1', periodS: 30 } as const
    const { settled, cards } = await typed([show(asApp)])
    expect(settled).toEqual({
      secret: asApp,
      text: `the app ignores algorithm=SHA256 (it has SHA1), period=60 (it has 30): the secret is written as the app has it
guessing is as hard as before: the number of digits is the same
`,
    })
    expect(cards).toHaveLength(1)
  })
})

describe('the clocks', () => {
  test.each([
    [-1, /behind this machine's by \d+ to \d+ s, or the code was typed late\n/],
    [1, /ahead of this machine's by \d+ to \d+ s\n {2}a code is accepted 1 period off/],
  ])('%i period off is said, and accepted', async (periods, text) => {
    const { settled } = await typed([show(SECRET, periods)])
    expect(settled).toEqual({ secret: SECRET, text: expect.stringMatching(text) })
  })

  test('more is said, and not accepted', async () => {
    const { settled, notes } = await typed([show(SECRET, 5), show(SECRET)])
    expect(notes).toEqual([expect.stringMatching(/^that code is not valid now: the clock of the phone is ahead/)])
    expect(settled!.secret).toBe(SECRET)
  })
})

test('three wrong codes end it, and say what to check', async () => {
  const { settled, fault, notes } = await typed(['00000000', '12', '111111', show(SECRET)])
  expect([settled, fault]).toEqual([undefined, 'that is not a code of this secret: nothing was written'])
  expect(notes.join()).toContain('12 is not a code: a code has 6 to 8 digits')
  expect(`${notes.join()}${fault}`).not.toContain(show(SECRET))
})

test('an empty line leaves it out, and so does --no-check, which asks nothing', async () => {
  for (const looked of [await typed(['']), await typed([], { isChecked: false })]) {
    expect(looked.settled).toEqual({ secret: SECRET, text: expect.stringContaining('not every app takes 8 digits') })
  }
})
