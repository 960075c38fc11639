// Goal: ports that are no longer hidden are logged once and shown in the status for a day, even after a restart.
import { expect, test } from 'vitest'
import type { Service } from '../config/config.ts'
import { readService } from '../config/service.ts'
import { EXPOSED_MAX } from '../control/message.ts'
import { EXPOSED_TOLD_MS, Exposed } from './exposed.ts'

const START = 1_700_000_000_000

class Around {
  readonly kept = new Map<string, string>()
  readonly said: string[] = []
  wall = START
  full = false
  exposed = this.daemon()

  /** A daemon that has just started. */
  daemon(): Exposed {
    return new Exposed({
      store: {
        newest: (key) => this.kept.get(key),
        advance: async (key, value) => {
          if (this.full) throw new Error('no space')
          this.kept.set(key, value)
          return true
        },
        forget: async (key) => void this.kept.delete(key),
      },
      log: { notice: (_level, text) => void this.said.push(text) },
      clocks: { now: () => ({ wall: this.wall }) },
    })
  }

  get told(): readonly string[] {
    return this.exposed.list.map(({ service, forMs }) => `${service} ${forMs}`)
  }
}

function services(text: string): readonly Service[] {
  return text.split(' ').flatMap((each) => readService(each) ?? [])
}

test('such a port is logged once, and is in the status for a day', async () => {
  const around = new Around()
  await around.exposed.compare(services('tcp/22 tcp/8443'), services('tcp/8443'))
  expect(around.said).toEqual(['tcp/22 is no longer hidden: add Guard = tcp/22 to keep it so'])
  around.wall += EXPOSED_TOLD_MS - 1
  around.exposed = around.daemon()
  expect(around.told).toEqual([`tcp/22 ${EXPOSED_TOLD_MS - 1}`])
  await around.exposed.compare(services('tcp/8443'), services('tcp/8443'))
  expect(around.said).toHaveLength(1)
  around.wall++
  expect(around.told).toEqual([])
  await around.exposed.compare(services('tcp/8443'), services('tcp/8443'))
  expect(around.kept.size).toBe(0)
})

test('a port that is hidden again is not shown', async () => {
  const around = new Around()
  await around.exposed.compare(services('tcp/20-24'), [])
  around.wall += 5
  await around.exposed.compare([], services('tcp/22'))
  expect(around.told).toEqual(['tcp/20-21 5', 'tcp/23-24 5'])
})

test('a clock that was set back, or was far ahead, does not make it last longer', async () => {
  const around = new Around()
  await around.exposed.compare(services('tcp/22'), [])
  around.wall -= 1_000
  expect(around.told).toEqual(['tcp/22 0'])
  around.wall -= EXPOSED_TOLD_MS
  expect(around.told).toEqual([])
})

test('the number of such ports has a bound', async () => {
  const around = new Around()
  const many = Array.from({ length: EXPOSED_MAX + 3 }, (_, index) => `tcp/${index * 2 + 1}`).join(' ')
  await around.exposed.compare(services(many), [])
  expect(around.said).toHaveLength(EXPOSED_MAX + 1)
  expect(around.said.at(-1)).toBe('3 more ports and ranges are no longer hidden')
  expect(around.told).toHaveLength(EXPOSED_MAX)
})

test('a full disk is logged, and the daemon goes on', async () => {
  const around = new Around()
  around.full = true
  await around.exposed.compare(services('tcp/22'), [])
  expect(around.said[1]).toMatch(/will be unknown after a restart: no space$/)
})
