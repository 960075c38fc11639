import { test } from 'vitest'

/** True if the long tests run too: `SLOW=1 script/test`. */
export const SLOW = process.env['SLOW'] === '1'

/** A test that runs with SLOW alone, because a shorter one makes the same claim. */
export const slowly = test.runIf(SLOW)

/** Returns the cases to test: without SLOW those that stand for the others, which make the same claim of another kind. */
export function sample<Case>(all: readonly Case[], standsForOthers: (each: Case, index: number) => boolean): Case[] {
  return all.filter((each, index) => SLOW || standsForOthers(each, index))
}
