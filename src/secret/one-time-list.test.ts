// Goal: a one-time sequence is accepted once, whatever is killed, edited, replaced or put back meanwhile.
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Knock } from '../config/config.ts'
import { parseOneTime } from '../config/one-time.ts'
import { FileError } from '../file/file-error.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import { MemoryDisk, systemError } from '../state/disk-fake.ts'
import { ONE_TIME_FILE_MAX_BYTES, OneTimeList } from './one-time-list.ts'
import type { OneTimeParser } from './one-time-list.ts'
import { openStoreOn } from '../state/store.ts'
import { usedMark } from './used-mark.ts'

function knock(port: number): Knock {
  return { protocol: 6, port }
}

function knocks(...ports: number[]): Knock[] {
  return ports.map(knock)
}

let folder: string
let path: string
let disk: MemoryDisk
let ledger: JournalLedger
let list: OneTimeList
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-one-time-'))
  path = join(folder, 'sequences')
  disk = new MemoryDisk()
  await restart()
})
afterEach(() => rmSync(folder, { recursive: true }))

async function restart(): Promise<void> {
  ledger = new JournalLedger((await openStoreOn(disk, '/state/journal')).store)
  list = new OneTimeList('door', path, ledger)
}

function write(text: string): void {
  writeFileSync(path, text)
}

function read(): string {
  return readFileSync(path, 'latin1')
}

describe('redeeming', () => {
  test('writes one byte over the line, and gives the next', async () => {
    write('# old\n 1,2,3\n 4,5,6\n')
    expect(list.read()).toEqual({
      next: knocks(1, 2, 3),
      sequences: [knocks(1, 2, 3), knocks(4, 5, 6)],
      left: 2,
      usedAgain: 0,
      rests: new Set(['old', '1,2,3', '4,5,6']),
      name: undefined,
    })
    const redeemed = await list.redeem(knocks(1, 2, 3))
    expect(redeemed).toMatchObject({ outcome: 'redeemed', next: knocks(4, 5, 6), left: 1, usedAgain: 0 })
    expect(read()).toBe('# old\n#1,2,3\n 4,5,6\n')
    expect((await list.redeem(knocks(4, 5, 6))).next).toBeUndefined()
  })

  test('takes the line that is the same to its end, not one that begins alike', async () => {
    write(' 1,2,3,4\n 1,2,3\n 1,2\n')
    await list.redeem(knocks(1, 2))
    expect(read()).toBe(' 1,2,3,4\n 1,2,3\n#1,2\n')
    await list.redeem(knocks(1, 2, 3))
    expect(read()).toBe(' 1,2,3,4\n#1,2,3\n#1,2\n')
  })

  test('works without a leading blank and without a last line feed', async () => {
    write('17,2\n18,2')
    expect((await list.redeem(knocks(18, 2))).outcome).toBe('redeemed')
    expect(read()).toBe('17,2\n#8,2')
  })

  test('of a sequence that stands there twice marks both: it counts once', async () => {
    write(' 1,2\n 3,4\n 1,2\n')
    expect(list.read().left).toBe(2)
    expect(await list.redeem(knocks(1, 2))).toMatchObject({ outcome: 'redeemed', left: 1 })
    expect(read()).toBe('#1,2\n 3,4\n#1,2\n')
  })

  test('of a sequence that is not there is refused', async () => {
    write('#1,2\n 3,4\n')
    expect(await list.redeem(knocks(1, 2))).toMatchObject({ outcome: 'gone', next: knocks(3, 4) })
    expect(ledger.wasClaimed('door', usedMark('door', knocks(1, 2)))).toBe(false)
  })

  test('twice at the same time: one opens', async () => {
    write(' 1,2\n 3,4\n')
    const outcomes = await Promise.all([list.redeem(knocks(1, 2)), list.redeem(knocks(1, 2))])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['redeemed', 'used'])
  })

  test('of two at the same time marks both lines', async () => {
    write(' 1,2\n 3,4\n')
    await Promise.all([list.redeem(knocks(1, 2)), list.redeem(knocks(3, 4))])
    expect(read()).toBe('#1,2\n#3,4\n')
  })
})

describe('what was used stays used', () => {
  test('with an old copy of the file put back', async () => {
    write(' 1,2\n 3,4\n')
    copyFileSync(path, `${path}.backup`)
    await list.redeem(knocks(1, 2))
    copyFileSync(`${path}.backup`, path)
    await restart()
    expect(list.read()).toMatchObject({ next: knocks(3, 4), left: 1, usedAgain: 1 })
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('used')
    // The next redemption fixes the file.
    await list.redeem(knocks(3, 4))
    expect(read()).toBe('#1,2\n#3,4\n')
  })

  test('killed between the claim and the mark', async () => {
    write(' 1,2\n 3,4\n')
    await ledger.claim('door', usedMark('door', knocks(1, 2)))
    await restart()
    expect(list.read()).toMatchObject({ next: knocks(3, 4), usedAgain: 1 })
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('used')
  })

  test('with the store lost', async () => {
    write(' 1,2\n 3,4\n')
    await list.redeem(knocks(1, 2))
    disk = new MemoryDisk()
    await restart()
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('gone')
  })

  test('written another way', async () => {
    write(' 1,2\n')
    await list.redeem(knocks(1, 2))
    write('1, 2\n 01,2\n')
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('used')
  })
})

describe('nothing is claimed that cannot be marked', () => {
  test('a file that is not there or is a folder', async () => {
    await expect(list.redeem(knocks(1, 2))).rejects.toThrow(/no such file/)
    expect(() => list.read()).toThrow(/no such file/)
    expect(() => new OneTimeList('door', folder, ledger).read()).toThrow('is not a regular file')
    expect(ledger.wasClaimed('door', usedMark('door', knocks(1, 2)))).toBe(false)
  })

  test('a file too large', () => {
    write('#'.repeat(ONE_TIME_FILE_MAX_BYTES + 1))
    expect(() => list.read()).toThrow(FileError)
  })

  test('a store that cannot write: the line stays good', async () => {
    write(' 1,2\n')
    disk.fail = () => systemError('ENOSPC')
    await expect(list.redeem(knocks(1, 2))).rejects.toThrow('ENOSPC')
    expect(read()).toBe(' 1,2\n')
    disk.fail = () => undefined
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('redeemed')
  })
})

/** Runs an edit while the claim is being made durable. */
function during(edit: () => void): void {
  disk.fail = (step) => {
    if (step !== 'sync') return undefined
    disk.fail = () => undefined
    edit()
    return undefined
  }
}

describe('edited during the redemption', () => {
  test('in place: the line is found where it is then', async () => {
    write(' 1,2\n 3,4\n')
    during(() => write('# a comment\n 3,4\n 1,2\n'))
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('redeemed')
    expect(read()).toBe('# a comment\n 3,4\n#1,2\n')
  })

  test('replaced: the new file is marked', async () => {
    write(' 1,2\n 3,4\n')
    during(() => {
      writeFileSync(`${path}.new`, ' 5,6\n 1,2\n')
      renameSync(`${path}.new`, path)
    })
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('redeemed')
    expect(read()).toBe(' 5,6\n#1,2\n')
  })

  test('taken out: refused, and it does not come back', async () => {
    write(' 1,2\n 3,4\n')
    during(() => write(' 3,4\n'))
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('gone')
    expect(read()).toBe(' 3,4\n')
    write(' 1,2\n 3,4\n')
    expect((await list.redeem(knocks(1, 2))).outcome).toBe('used')
  })

  test('replaced after the mark, before it is known to last: the new file is marked too', async () => {
    write(' 1,2\n')
    let calls = 0
    const replacing: OneTimeParser = (text) => {
      calls++
      // The first looks for the line, the second marks it, and the third checks the result.
      if (calls === 3) {
        writeFileSync(`${path}.new`, ' 3,4\n 1,2\n')
        renameSync(`${path}.new`, path)
      }
      return parseOneTime(text).lines
    }
    expect((await new OneTimeList('door', path, ledger, { parse: replacing }).redeem(knocks(1, 2))).outcome).toBe(
      'redeemed',
    )
    expect(read()).toBe(' 3,4\n#1,2\n')
  })

  test('replaced over and over: given up, and it does not come back', async () => {
    write(' 1,2\n')
    const replacing: OneTimeParser = (text) => {
      writeFileSync(`${path}.new`, ' 1,2\n')
      renameSync(`${path}.new`, path)
      return parseOneTime(text).lines
    }
    await expect(new OneTimeList('door', path, ledger, { parse: replacing }).redeem(knocks(1, 2))).rejects.toThrow(
      'over and over',
    )
    expect(list.read().next).toBeUndefined()
  })
})

test('no sequence is ever accepted twice, and no other line changes', async () => {
  const sequence = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('redeem' as const), ports: sequence }),
    fc.record({ kind: fc.constant('write' as const), lines: fc.array(sequence, { maxLength: 6 }) }),
    fc.record({ kind: fc.constant('restart' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      disk = new MemoryDisk()
      await restart()
      write('')
      const accepted = new Set<string>()
      for (const each of steps) {
        if (each.kind === 'restart') await restart()
        else if (each.kind === 'write') write(each.lines.map((ports) => ` ${ports.join(',')}\n`).join(''))
        else {
          const before = read().split('\n')
          const text = each.ports.join(',')
          const there = before.includes(` ${text}`)
          const { outcome } = await list.redeem(knocks(...each.ports))
          expect(outcome).toBe(!there ? 'gone' : accepted.has(text) ? 'used' : 'redeemed')
          if (outcome === 'redeemed') accepted.add(text)
          for (const [row, line] of read().split('\n').entries()) {
            const was = before[row]!
            if (line !== was) expect([line, accepted.has(was.slice(1))]).toEqual([`#${was.slice(1)}`, true])
          }
          if (outcome === 'redeemed') expect(read()).not.toMatch(new RegExp(`^ ${text}$`, 'm'))
        }
      }
    }),
    { numRuns: 100 },
  )
})
