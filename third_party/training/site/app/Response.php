<?php
// SPDX-License-Identifier: MIT
declare(strict_types=1);
namespace Training;

final class Response
{
    private array $headers = ['Content-Type' => ['text/html; charset=utf-8']];

    public function __construct(private string $body = '', private int $status = 200) {}

    public function header(string $name, string $value): static
    {
        $copy = clone $this;
        $copy->headers[$name][] = $value;
        return $copy;
    }

    public function send(): void
    {
        http_response_code($this->status);
        foreach ($this->headers as $name => $values) {
            foreach ($values as $i => $value) {
                header("$name: $value", $i === 0);
            }
        }
        echo $this->body;
    }
}
