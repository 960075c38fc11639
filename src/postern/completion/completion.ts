import { DONE } from '../../cli/exit-code.ts'
import type { CommandGroup } from '../../cli/group.ts'
import type { Output } from '../../cli/output.ts'
import type { CompletionArguments, SHELLS } from './arguments.ts'
import type { Place } from './place.ts'

type Script = (places: readonly Place[]) => string

/** The scripts of the shells. One of names is asked for at each key, so no other code is loaded with it. */
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], () => Promise<Script>>> = {
  bash: async () => (await import('./bash.ts')).bashScript,
  zsh: async () => (await import('./zsh.ts')).zshScript,
  fish: async () => (await import('./fish.ts')).fishScript,
}

/** Runs `postern completion` with the commands of postern, and returns the exit code. */
export async function completion(asked: CompletionArguments, table: CommandGroup, output: Output): Promise<number> {
  if ('values' in asked) {
    const { namesOf } = await import('./names.ts')
    const names = await namesOf(asked.values)
    output.out(names.map((name) => `${name}\n`).join(''))
    return DONE
  }
  const { placesIn } = await import('./programs.ts')
  const script = await SCRIPTS[asked.shell]()
  output.out(script(placesIn(table)))
  return DONE
}
