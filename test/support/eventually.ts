// Waiting for what other code does in its own time.

/** Waits until the check, which may ask the API, holds; throws what it last threw after `limitMs`. */
export async function eventually<T>(check: () => T | Promise<T>, limitMs = 5000): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}
