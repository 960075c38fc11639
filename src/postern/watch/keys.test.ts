// Goal: what an operator types leads to exactly one request or to none, every end is said, mistakes are named with what would
// be right, and nothing is closed without a question.
import { expect, test } from 'vitest'
import { WELL } from '../../../test/schema/status.ts'
import type { Status } from '../../control/message.ts'
import { questionOf } from './dialog.ts'
import { textIn } from './editor.ts'
import { choiceText, readChoice } from './filter.ts'
import { clean, columnsOf, fit, folded, widthOf } from './glyphs.ts'
import { pressed } from './keys.ts'
import type { Order } from './keys.ts'
import { outcomeText, told } from './news.ts'
import { graphOf, interrupted, NO_RATES, rateText, sampled } from './rates.ts'
import { beginning } from './state.ts'
import type { WatchState } from './state.ts'

const NOW = { steady: 0, wall: 0 }
const door = WELL.doors[0]!
const STATUS: Status = {
  ...WELL,
  doors: [door, { ...door, name: 'web', openForMs: 60_000 }, { ...door, name: "it's" }],
  openings: [WELL.openings[0]!, { ...WELL.openings[0]!, door: 'web', source: '2001:db8::7' }],
}
const seeing = (status: Status = STATUS): WatchState =>
  told(beginning(true, {}), { kind: 'status', reply: { status } }, NOW)

/** Types words: `<name>` is a key, the rest is text. */
function typed(words: string, from = seeing()): { readonly state: WatchState; readonly orders: readonly Order[] } {
  let state = from
  const orders: Order[] = []
  for (const [, name, text] of words.matchAll(/<([\w-]+)>|(.)/gsu)) {
    const [, ctrl, key = name] = /^(C-)?(.*)$/.exec(name ?? '') ?? []
    const after = pressed(
      state,
      name === undefined ? { text, name: text } : { name: key, ctrl: ctrl !== undefined },
      NOW,
    )
    state = after.state
    if (after.order !== undefined) orders.push(after.order)
  }
  return { state, orders }
}

const asks = (request: object): readonly object[] => [{ kind: 'ask', request }]

test.each([
  ['ossh<return>192.0.2.9<return><return>', { command: 'open', door: 'ssh', source: '192.0.2.9' }],
  [
    'ow<tab><return>2001:DB8::9<return>10m<return>',
    { command: 'open', door: 'web', source: '2001:db8::9', forMs: 600_000 },
  ],
  ['je<return>', { command: 'open', door: 'ssh', source: '192.0.2.7' }],
  ['jje2h<return>', { command: 'open', door: 'web', source: '2001:db8::7', forMs: 7_200_000 }],
  ['essh<return>192.0.2.7<return>1m<return>', { command: 'open', door: 'ssh', source: '192.0.2.7', forMs: 60_000 }],
  ['jcy', { command: 'close', door: 'ssh', source: '192.0.2.7' }],
  ['cweb<return><return>y', { command: 'close', door: 'web' }],
  ['cweb<return>2001:db8::7<return>y', { command: 'close', door: 'web', source: '2001:db8::7' }],
  ['f192.0.2.9<return>', { command: 'forgive', source: '192.0.2.9' }],
  ['<tab><tab><tab>f<return>', { command: 'forgive', source: '192.0.2.9' }],
])('%s', (keys, request) => {
  const { state, orders } = typed(keys)
  expect(orders).toEqual(asks(request))
  expect(state.message!.text).toMatch(/: asking knockd$/)
  expect(state.dialog).toBeUndefined()
})

test.each([
  ['jcn', /^close: nothing was closed$/],
  ['jc<return>', /^close: nothing was closed$/],
  ['jcq', /^close: nothing was closed$/],
  ['ossh<return><escape>', /^open: nothing was done$/],
  ['u', /^pick a row that has a user first/],
])('%s does nothing, and says so', (keys, message) => {
  const { state, orders } = typed(keys)
  expect(orders).toEqual([])
  expect(state.message!.text).toMatch(message)
})

test.each([
  ['ossj<return>', 'there is no door ssj: did you mean: ssh'],
  ['o<return>', 'no door given: Tab shows them'],
  ['ossh<return><return>', 'no address given: as in 192.0.2.7 or 2001:db8::7'],
  ['ossh<return>192.0.2<return>', '192.0.2 is not an address: as in 192.0.2.7 or 2001:db8::7'],
  ['je1d<return>', '1d is not a time: write `24h`'],
  ['je9999999h<return>', '9999999h is too long: at most 8760h'],
  ['eweb<return>192.0.2.1<return>', 'web is not open for 192.0.2.1: Esc, and o to open it'],
  ['/--door<return>', expect.stringMatching(/^option '--door/) as string],
  ['/--dor x<return>', expect.stringMatching(/did you mean: --door$/) as string],
  ['/--source home<return>', '--source: invalid address or network home: as in 192.0.2.7 or 2001:db8::/32'],
])('%s is a mistake, which is named', (keys, note) => {
  const { state, orders } = typed(keys)
  expect(orders).toEqual([])
  expect(state.dialog!.note).toEqual({ text: note, isFault: true })
})

test('an opening that lasts longer already is not said to end sooner', () => {
  const request = { command: 'open', door: 'ssh', source: '192.0.2.7', forMs: 1_000 } as const
  const outcome = { done: 'ssh is open to 192.0.2.7 for 1 s', count: 1 }
  const after = told(
    told(seeing(), { kind: 'outcome', request, outcome }, NOW),
    { kind: 'status', reply: { status: STATUS } },
    NOW,
  )
  expect(after.message!.text).toBe(`open ssh for 192.0.2.7: ${outcome.done}; it stays open for 20s, as before`)
  expect(outcomeText(request, { error: 'ssh stays shut', hint: 'the log says why' })).toEqual({
    text: 'open ssh for 192.0.2.7: not done: ssh stays shut (the log says why)',
    tone: 'bad',
  })
})

test('a row stays picked while others come and go', () => {
  const { state } = typed('jj')
  expect(state.picked).toMatchObject({ pane: 'open', index: 1 })
  const [first, second] = STATUS.openings
  const fewer = told(state, { kind: 'status', reply: { status: { ...STATUS, openings: [second!] } } }, NOW)
  expect(questionOf(fewer, typed('c', fewer).state.dialog!)).toBe('close web for 2001:db8::7? y or n: ')
  const gone = told(state, { kind: 'status', reply: { status: { ...STATUS, openings: [first!] } } }, NOW)
  // What has closed meanwhile hands its mark to no other opening.
  expect(questionOf(gone, typed('c', gone).state.dialog!)).toBe('close which door: ')
  expect(typed('k', gone).state.picked).toMatchObject({ index: 0 })
})

function paste(from: WatchState, text: string): WatchState {
  return Array.from(text).reduce((state, each) => {
    const { state: after, order } = pressed(
      state,
      { text: each, name: each === '\n' ? 'return' : each, isPasted: true },
      NOW,
    )
    expect(order).toBeUndefined()
    return after
  }, from)
}

test('pasted text is typed into a line, and decides nothing', () => {
  expect(paste(seeing(), 'cq\ny')).toEqual(seeing())
  const asking = typed('jc').state
  expect(paste(asking, 'y')).toEqual(asking)
  expect(textIn(paste(typed('o').state, 'ssh\n').dialog!.editor)).toBe('ssh')
})

test('a filter is read as postern events reads it, and written so that it can be read', () => {
  for (const choice of [{}, { doors: ['ssh', "it's", 'two words'], sources: ['192.0.2.0/24'], users: ['a"b'] }]) {
    expect(readChoice(choiceText(choice))).toEqual(choice)
  }
  const { orders, state } = typed('/--do<tab>ss<tab><return>')
  expect(orders).toEqual([{ kind: 'filter', filter: { doors: ['ssh'] } }])
  expect(typed('d', state).state.filter).toEqual({})
  expect(typed('jdjs').orders.at(-1)).toEqual({ kind: 'filter', filter: { doors: ['ssh'], sources: ['192.0.2.7'] } })
})

test('pause, quit and the keys of terminals are orders', () => {
  expect(typed('pp q<C-c><C-z><C-l>').orders.map(({ kind }) => kind)).toEqual([
    'pause',
    'resume',
    'pause',
    'quit',
    'quit',
    'stop',
    'redraw',
  ])
  expect(typed('o<C-c>').orders).toEqual([{ kind: 'quit' }])
})

function counting(upMs: number, seen: number, knocks: number): Status {
  const start = { ...STATUS.totals!.start, packets: { seen, taken: seen, lost: 0 }, knocks }
  return { ...STATUS, upMs, totals: { ...STATUS.totals!, start } }
}

test('rates: a first status, a restart and a gap make no peak', () => {
  let rates = sampled(NO_RATES, counting(1_000, 1_000_000, 5))
  expect(rates.packets).toEqual([])
  rates = sampled(rates, counting(3_000, 1_000_100, 6))
  expect([rates.packets, rates.knocks]).toEqual([[50], [0.5]])
  rates = sampled(interrupted(rates), counting(10, 3, 1))
  expect(rates.packets).toEqual([50, undefined])
  rates = sampled(sampled(rates, counting(1_010, 3, 1)), counting(500, 9, 9))
  expect(rates.packets).toEqual([50, undefined, 0])
  expect(graphOf([0, 1, 4, 8, undefined, 16], 8, true)).toBe('  ▁▂▃▅ █')
  expect(graphOf([0, 8, undefined], 3, false)).toBe('_# ')
  expect([undefined, 0, 0.52, 9.96, 1_234, 123_456, 12_345_678].map(rateText)).toEqual([
    '-',
    '0',
    '0.5',
    '10',
    '1234',
    '123k',
    '12M',
  ])
})

test('text: widths that all terminals agree on, and code points for the rest', () => {
  expect(
    [
      'a',
      'é',
      '…',
      'ж',
      '漢',
      'か',
      '한',
      '\u001B',
      '\u0085',
      '\u202E',
      'א',
      '\u0301',
      '👩',
      'ﾊ',
      '\u00AD',
      '\uE000',
    ].map(columnsOf),
  ).toEqual([1, 1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  expect(clean('a\u001B[2Jé', true)).toBe('a<U+001B>[2Jé')
  expect(clean('é漢', false)).toBe('<U+00E9><U+6F22>')
  expect([fit('漢字漢字', 5, true), widthOf(fit('漢字漢字', 5, true))]).toEqual(['漢字…', 5])
  expect(fit('abcdef', 4, false)).toBe('abc~')
  expect(folded('one two three', 7)).toEqual(['one two', 'three'])
  expect(folded('漢字漢字', 4)).toEqual(['漢字', '漢字'])
})
