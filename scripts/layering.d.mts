export const ALLOWED: Record<string, string[]>;
export function importsOf(source: string): { module: string; line: number }[];
export function violations(file: string, source: string, allowed?: Record<string, string[]>): string[];
export function layering(): string[];
