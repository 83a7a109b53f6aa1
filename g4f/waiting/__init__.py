"""Code that waits for code: sync for async (bridge), async for sync (threads), and for how long (limits)."""
