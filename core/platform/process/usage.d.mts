export function usageOf(file: string): string
export function asksForHelp(args: string[]): boolean
