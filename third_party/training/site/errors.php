<?php
// SPDX-License-Identifier: MIT
// What goes wrong: warnings, notices and deprecations shown and handled, exceptions through many frames, finally, type errors,
// a shutdown function, and at the end, when asked for, an exception that nobody catches or a fatal error.
class Refused extends DomainException
{
    public function __construct(string $message, private array $details = [], ?Throwable $previous = null)
    {
        parent::__construct($message, 7, $previous);
    }

    public function details(): array
    {
        return $this->details;
    }
}

function sink(int $depth, string $kind): int
{
    try {
        if ($depth > 0) {
            return sink($depth - 1, $kind) + 1;
        }
        return match ($kind) {
            'domain' => throw new Refused('too low', ['min' => 3]),
            'type' => strlen([]),
            'divide' => intdiv(1, $depth),
            'value' => count(array_chunk([1], 0)),
            'call' => (static fn(int $a, int $b) => $a)(1),
            'null' => (static fn(?ArrayObject $o) => $o->count())(null),
            'none' => 0,
        };
    } catch (ArithmeticError $problem) {
        throw new Refused('wrapped', ['depth' => $depth], $problem);
    } finally {
        $GLOBALS['unwound'] = ($GLOBALS['unwound'] ?? 0) + 1;
    }
}

// The status is still open when the end comes.
ob_start();
register_shutdown_function(static function (): void {
    $last = error_get_last();
    echo 'end ', $last['type'] ?? 'clean', "\n";
});
$caught = [];
foreach (['domain', 'type', 'divide', 'value', 'call', 'null', 'none', 'other'] as $kind) {
    for ($depth = 0; $depth < 4; $depth++) {
        try {
            $caught[] = sink($depth, $kind);
        } catch (Refused | TypeError $problem) {
            $caught[] = $problem::class . $problem->getLine() . ($problem->getPrevious()?->getMessage() ?? '') . count($problem->getTrace());
        } catch (Throwable $problem) {
            $caught[] = get_class($problem) . $problem->getCode() . strlen((string) $problem);
        }
    }
}
// Shown, each in its own way.
ini_set('display_errors', '1');
echo $undefined, $caught['no such key'] ?? '', $caught[9999], [1, 2][1];
$array = 'text';
echo @$array->property, strlen((string) @file_get_contents('/no/such/file')), @$caught['x']['y'];
include 'no_such_file.php';
echo "12 apples" + 3, hex2bin('abc') === false ? 'odd' : '', unserialize('broken') === false ? 'broken' : '', json_decode('{bad') ?? json_last_error_msg();
set_error_handler(static function (int $level, string $message) use (&$caught): bool {
    $caught[] = "$level $message";
    return !str_contains($message, 'pass on');
}, E_ALL);
echo $again, $caught[12345], (int) '7', constant('PHP_VERSION') === '' ? 1 : 0;
trigger_error('mind this', E_USER_WARNING);
trigger_error('pass on', E_USER_NOTICE);
restore_error_handler();
ini_set('display_errors', '0');
assert(true);
error_log('training: logged');
echo count($caught), ' ', $GLOBALS['unwound'], "\n";
switch ($_GET['end'] ?? '') {
    case 'exit':
        http_response_code(403);
        exit("denied\n");
    case 'throw':
        throw new Refused('nobody catches this', ['a' => 1], new LogicException('the first'));
    case 'fatal':
        no_such_function(1, 'two');
        break;
    case 'redirect':
        header('Location: /elsewhere', true, 302);
}
