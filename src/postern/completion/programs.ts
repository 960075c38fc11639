import type { CommandGroup } from '../../cli/group.ts'
import { KNOCK } from '../../client/arguments.ts'
import { KNOCK_SPA } from '../../client/spa/arguments.ts'
import { KNOCKD } from '../../daemon/arguments.ts'
import { placesOf } from './place.ts'
import type { Place } from './place.ts'

/** The programs whose command lines are completed. */
export const PROGRAMS = ['postern', 'knock', 'knockd'] as const

/** Returns the places of all programs' command lines. `knock --spa` has a row of its own. */
export function placesIn(postern: CommandGroup): readonly Place[] {
  return placesOf([postern, KNOCK, KNOCK_SPA, KNOCKD])
}

/** Returns the name of a place as a part of a function's name. */
export function slugOf(name: string): string {
  return name.replaceAll(/[^a-z]+/g, '_')
}

/** Quotes a text of the table for bash and zsh: nothing in single quotes is special to them but the quote itself. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
