<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

final readonly class Request
{
    public function __construct(public string $method, public string $path, public array $query, public array $headers, public array $attributes = []) {}

    public static function ofServer(array $server, array $query): self
    {
        $headers = [];
        foreach ($server as $key => $value) {
            if (str_starts_with($key, 'HTTP_')) {
                $headers[str_replace('_', '-', strtolower(substr($key, 5)))] = $value;
            }
        }
        return new self($server['REQUEST_METHOD'] ?? 'GET', '/' . trim($query['path'] ?? '', '/'), $query, $headers);
    }

    public function with(string $name, mixed $value): self
    {
        return new self($this->method, $this->path, $this->query, $this->headers, [...$this->attributes, $name => $value]);
    }
}
