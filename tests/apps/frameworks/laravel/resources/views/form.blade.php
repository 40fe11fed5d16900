<!DOCTYPE html>
<html><body>
<form method="post" action="{{ url('/form') }}">@csrf
<input name="title" value="{{ old('title') }}">
@foreach ($errors->all() as $error)<p class="error">{{ $error }}</p>@endforeach
</form>
</body></html>
