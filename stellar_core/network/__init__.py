"""Requests to servers: one HTTP client with bounded time, retries, rate limit and circuit breaker."""
