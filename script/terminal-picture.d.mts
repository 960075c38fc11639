/** Draws what a terminal shows as an SVG. */
export function terminalPicture(output: string, command: string, description: string): string
